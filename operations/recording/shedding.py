"""What recording gives up for a disk that fills: the least worth first, so that the journal has room to the last."""

from __future__ import annotations

from enum import IntEnum

# Above the limit by so much before anything is taken up again, or it would go back and forth.
_BACK_FACTOR = 1.1


class Shed(IntEnum):
    """What is not recorded, each with all before it. Sorties, commands and alarms are the journal's: never shed."""

    NOTHING = 0
    FRAMES = 1  # raw frames of sorties
    FINE_ROWS = 2  # rows but one a second of each vehicle
    ROWS = 3  # all rows


_WORDS = {
    Shed.NOTHING: "everything is recorded",
    Shed.FRAMES: "raw frames are not recorded",
    Shed.FINE_ROWS: "raw frames are not recorded, and positions once a second only",
    Shed.ROWS: "neither raw frames nor positions are recorded",
}


def words(shed: Shed) -> str:
    return _WORDS[shed]


def shed_for(free_bytes: int, floor_bytes: int, before: Shed) -> Shed:
    """What to give up with so much space left: frames below the floor, fine rows below half of it, rows below a
    quarter. `before`: what was given up until now."""
    limits = {Shed.FRAMES: floor_bytes, Shed.FINE_ROWS: floor_bytes // 2, Shed.ROWS: floor_bytes // 4}
    wanted = Shed.NOTHING
    for shed, limit_bytes in limits.items():
        limit = limit_bytes * _BACK_FACTOR if shed <= before else limit_bytes
        if free_bytes < limit:
            wanted = shed
    return wanted
