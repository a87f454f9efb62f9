"""What a viewer knows, as a pure function of the frames it got: the reference reading of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from telemetry.stream.contract import Resume

Record = dict[str, Any]


class View:
    """States by vehicle id, with the names of `VehicleState`; news are handed on once each.

    A position that a resume starts from is the last snapshot's or tick's: what came after it may come again, and is
    recognised by its sequence.
    """

    def __init__(self) -> None:
        self.vehicles: dict[str, Record] = {}
        self.position: Resume | None = None
        self._epoch: str | None = None  # of the news that were had, also while there is no position
        self._owed = 0  # answers to subscriptions that are to come yet: a position before them is another one's
        self._by_number: dict[int, Record] = {}
        self._fields: list[tuple[str, float]] = []
        self._news_seq = -1

    def connected(self) -> None:
        """A subscription is said on a new connection: one snapshot, or `resumed`, answers it."""
        self._owed = 1

    def anew(self) -> None:
        """Another subscription is said, of which nothing is here: no position counts until its snapshot is here."""
        self.position = None
        self._owed += 1

    def take(self, message: str | bytes) -> Record | None:
        """The frame in `message`; None: it was had before.

        States come with the whole records that they changed as `vehicles`, and ids of those that left as `left`.
        """
        frame: Record = msgspec.json.decode(message) if isinstance(message, str) else msgspec.msgpack.decode(message)
        match frame["type"]:
            case "snapshot":
                self._restart(frame)
            case "resumed":
                self._owed = max(0, self._owed - 1)
                self._fields = [(name, scale) for name, scale in frame["fields"]]
            case "tick":
                self._tick(frame)
            case "update":
                frame["vehicles"] = self._changed([frame["row"]], [frame["changed"]], frame["at"])
            case "bye":
                pass
            case _ if frame["seq"] <= self._news_seq:
                return None
            case _:
                self._news_seq = frame["seq"]
        return frame

    def _restart(self, frame: Record) -> None:
        if self._epoch != frame["epoch"]:
            self._epoch, self._news_seq = frame["epoch"], frame["seq"]
        self._fields = [(name, scale) for name, scale in frame["fields"]]
        self._by_number.clear()
        self.vehicles.clear()
        frame["vehicles"] = self._changed(frame["rows"], frame["vehicles"], frame["at"])
        self._news_seq = max(self._news_seq, frame["seq"])
        self._owed = max(0, self._owed - 1)
        self._stand(frame)

    def _tick(self, frame: Record) -> None:
        frame["left"] = []
        for number in frame["gone"]:
            gone = self._by_number.pop(number, None)
            if gone is not None and self.vehicles.pop(gone["vehicle_id"], None) is not None:
                frame["left"].append(gone["vehicle_id"])
        frame["vehicles"] = self._changed(frame["rows"], frame["changed"], frame["at"])
        self._stand(frame)

    def _stand(self, frame: Record) -> None:
        if not self._owed:
            self.position = Resume(frame["epoch"], frame["seq"])

    def _changed(self, rows: list[list[int | None]], records: list[Record], at: str) -> list[Record]:
        touched: dict[int, None] = {}
        for told in records:
            number = told.pop("number")
            self._by_number.setdefault(number, {}).update(told)
            touched[number] = None
        for row in rows:
            number = row[0] if row[0] is not None else -1
            self._by_number.setdefault(number, {}).update(self._quick(row, at))
            touched[number] = None
        self._name(touched)
        return [self._by_number[number] for number in touched if "vehicle_id" in self._by_number[number]]

    def _name(self, numbers: dict[int, None]) -> None:
        for number in numbers:
            record = self._by_number[number]
            if "vehicle_id" in record:
                self.vehicles[record["vehicle_id"]] = record

    def _quick(self, row: list[int | None], at: str) -> Iterator[tuple[str, Any]]:
        heard_ms, position_ms = row[1], row[2]
        yield "heard_age_s", _scaled(heard_ms, 1e-3)
        yield "position_age_s", _scaled(position_ms, 1e-3)
        yield "last_heard_at", None if heard_ms is None else _before(at, heard_ms)
        yield "at", at
        for (name, scale), value in zip(self._fields, row[3:], strict=True):
            yield name, _scaled(value, scale)


def _scaled(value: int | None, scale: float) -> float | None:
    # Dividing by the whole number gives the nearest float; multiplying by 1e-7 would not.
    return None if value is None else value / round(1 / scale)


def _before(at: str, ms: int) -> str:
    then = datetime.fromisoformat(at) - timedelta(milliseconds=ms)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
