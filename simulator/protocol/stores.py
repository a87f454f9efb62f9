"""The three lists behind the mission protocol: the mission, the fence, the rally points."""

from __future__ import annotations

from simulator.flight.aircraft import Aircraft
from simulator.flight.fence import MAX_ITEMS as MAX_FENCE_ITEMS
from simulator.flight.fence import TOO_LARGE, FenceItem, fence_item, refusal_of
from simulator.flight.items import Item, stored
from simulator.flight.kinds import Cmd, ItemResult, ListKind, Severity
from simulator.flight.mission import MAX_ITEMS
from simulator.flight.places import Datum, Place, valid_lat_lon
from simulator.protocol.missions import WireItem

MAX_RALLY_POINTS = 46
"""As measured on an ArduCopter 4.7.0-dev SITL."""


class MissionStore:
    """Items go straight into the mission; item 0 reads back as home."""

    kind = ListKind.MISSION
    title = "Mission"
    max_items = MAX_ITEMS

    def __init__(self, craft: Aircraft) -> None:
        self._craft = craft
        self._expected = 0

    def count(self) -> int:
        """Items stored, home included."""
        return len(self._craft.mission.items)

    def get(self, seq: int) -> WireItem | ItemResult:
        """An item as the vehicle kept it."""
        if seq == 0:
            home = self._craft.home
            place = (home.lat_e7, home.lon_e7, home.alt_m) if home is not None else (0, 0, 0.0)
            return WireItem(0, Cmd.NAV_WAYPOINT, 0, (0.0, 0.0, 0.0, 0.0), *place)
        if seq >= self.count():
            return ItemResult.INVALID_SEQUENCE
        item = self._craft.mission.items[seq]
        return WireItem(seq, item.command, item.frame, item.params, item.x, item.y, item.z)

    def begin(self, count: int) -> None:
        """Shorten the list at once."""
        self._expected = count
        self._craft.mission.truncate(count)
        self._note_total()

    def put(self, item: WireItem) -> ItemResult:
        """Replace an item in place, or append it."""
        kept = stored(Item(item.command, item.frame, item.params, item.x, item.y, item.z))
        if isinstance(kept, ItemResult):
            return kept
        items = self._craft.mission.items
        if kept.command == Cmd.DO_JUMP and not 0 < kept.params[0] < max(self._expected, len(items)):
            return ItemResult.ERROR
        if item.seq < len(items):
            items[item.seq] = kept
        elif item.seq == len(items):
            items.append(kept)
            self._note_total()
        else:
            return ItemResult.ERROR
        return ItemResult.ACCEPTED

    def finish(self) -> ItemResult:
        """Complete."""
        self._craft.say(Severity.INFO, "Flight plan received")
        return ItemResult.ACCEPTED

    def clear(self) -> bool:
        """Refused while the mission runs."""
        cleared = self._craft.mission.clear(self._craft.armed)
        self._note_total()
        return cleared

    def _note_total(self) -> None:
        self._craft.params.set("MIS_TOTAL", self.count())


class FenceStore:
    """Items are collected and stored as a whole, or not at all."""

    kind = ListKind.FENCE
    title = "Fence"
    max_items = MAX_FENCE_ITEMS

    def __init__(self, craft: Aircraft) -> None:
        self._craft = craft
        self._new: list[FenceItem] = []

    def count(self) -> int:
        """Items stored."""
        return len(self._craft.fence.items)

    def get(self, seq: int) -> WireItem | ItemResult:
        """An item with its altitude gone and frame 0."""
        if seq >= self.count():
            return ItemResult.INVALID_SEQUENCE
        item = self._craft.fence.items[seq]
        return WireItem(seq, item.command, 0, (item.extent, 0.0, 0.0, 0.0), item.lat_e7, item.lon_e7, 0.0)

    def begin(self, count: int) -> None:  # noqa: ARG002 - the list grows as items come
        """Collect from scratch; the stored fence stays in force."""
        self._new = []

    def put(self, item: WireItem) -> ItemResult:
        """Collect one item."""
        kept = fence_item(item.command, item.frame, item.params[0], item.x, item.y)
        if isinstance(kept, ItemResult):
            return kept
        self._new.append(kept)
        return ItemResult.ACCEPTED

    def finish(self) -> ItemResult:
        """Check the whole and put it in force."""
        refusal = refusal_of(self._new)
        if refusal is not None:
            self._craft.say(refusal.severity, refusal.text)
            if refusal.text != TOO_LARGE:
                self._craft.say(Severity.WARNING, "Fence validation failed")
            return ItemResult.ERROR
        self._craft.fence.store(self._new, self._craft.frame)
        self._craft.params.set("FENCE_TOTAL", self.count())
        self._craft.say(Severity.DEBUG, "Fence Indexed OK")
        return ItemResult.ACCEPTED

    def clear(self) -> bool:
        """Always possible."""
        self._craft.fence.store([], self._craft.frame)
        self._craft.params.set("FENCE_TOTAL", 0)
        self._craft.say(Severity.DEBUG, "Fence Indexed OK")
        return True


class RallyStore:
    """Rally points go straight into the list; altitudes are kept in whole metres."""

    kind = ListKind.RALLY
    title = "Rally"
    max_items = MAX_RALLY_POINTS

    def __init__(self, craft: Aircraft) -> None:
        self._craft = craft

    def count(self) -> int:
        """Points stored."""
        return len(self._craft.rally)

    def get(self, seq: int) -> WireItem | ItemResult:
        """A point as the vehicle kept it."""
        if seq >= self.count():
            return ItemResult.INVALID_SEQUENCE
        place = self._craft.rally[seq]
        frame = int(place.datum)
        return WireItem(
            seq, Cmd.NAV_RALLY_POINT, frame, (0.0, 0.0, 0.0, 0.0), place.lat_e7, place.lon_e7, place.alt_m
        )

    def begin(self, count: int) -> None:
        """Shorten the list at once."""
        del self._craft.rally[count:]

    def put(self, item: WireItem) -> ItemResult:
        """Replace a point in place, or append it."""
        datum = {0: Datum.AMSL, 5: Datum.AMSL, 3: Datum.HOME, 6: Datum.HOME, 10: Datum.TERRAIN, 11: Datum.TERRAIN}
        if item.command != Cmd.NAV_RALLY_POINT:
            return ItemResult.UNSUPPORTED
        if not valid_lat_lon(item.x, 0):
            return ItemResult.INVALID_PARAM5_X
        if not valid_lat_lon(0, item.y):
            return ItemResult.INVALID_PARAM6_Y
        if not -32768 <= item.z <= 32767:
            return ItemResult.INVALID_PARAM7
        if item.frame not in datum:
            return ItemResult.UNSUPPORTED_FRAME
        place = Place(item.x, item.y, float(int(item.z)), datum[item.frame])
        if item.seq < len(self._craft.rally):
            self._craft.rally[item.seq] = place
        else:
            self._craft.rally.append(place)
        return ItemResult.ACCEPTED

    def finish(self) -> ItemResult:
        """Complete."""
        self._craft.params.set("RALLY_TOTAL", self.count())
        return ItemResult.ACCEPTED

    def clear(self) -> bool:
        """Always possible."""
        self._craft.rally.clear()
        self._craft.params.set("RALLY_TOTAL", 0)
        return True
