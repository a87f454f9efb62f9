"""What ArduCopter gives back of uploaded items, by its own storage rules and apart from `missions.items`."""

from __future__ import annotations

import numpy as np

from missions.model import MissionItem

HOME_OF_THE_VEHICLE = MissionItem(0, 0, 16, (0.0, 0.0, 0.0, 0.0), 311_500_123, 1_211_200_456, 10.1)


def stored_mission(items: tuple[MissionItem, ...]) -> tuple[MissionItem, ...]:
    """Read back: the vehicle's own home first, centimetres cut off by a C cast, unused params gone."""
    return (HOME_OF_THE_VEHICLE, *(_stored(item) for item in items[1:]))


def _stored(item: MissionItem) -> MissionItem:
    """One item, as read back from ArduCopter 4.7.0-dev."""
    one, two, three, four = (float(np.float32(value)) for value in item.params)
    match item.command:
        case 16 | 22:
            return _placed(item, (float(np.uint16(one)), 0.0, 0.0, 0.0))
        case 21:
            return _placed(item, (float(np.uint16(one)), 0.0, 0.0, 1.0))
        case 195:
            return _placed(item, (float(np.uint16(one)), 0.0, 0.0, 0.0))
        case 20:
            return _bare(item, 0.0, 0.0, 0.0, 0.0)
        case 178:
            return _bare(item, one, two, three, 0.0)
        case 206:
            return _bare(item, one, 0.0, float(np.uint8(three)), 0.0)
        case 1000:
            return _bare(item, float(np.int8(one)), float(np.int16(two)), float(np.int8(three)), float(np.int8(four)))
        case 197 | 2500 | 2501:
            return _bare(item, float(np.uint8(one)), 0.0, 0.0, 0.0)
        case 93 | 115 | 2000:
            return _bare(item, one, two, three, four)
    raise AssertionError(item.command)


def _placed(item: MissionItem, params: tuple[float, float, float, float]) -> MissionItem:
    centimetres = int(np.float32(item.z_m) * np.float32(100.0))
    alt_m = float(np.float32(centimetres) * np.float32(0.01))
    return MissionItem(item.seq, item.frame, item.command, params, item.x_e7, item.y_e7, alt_m)


def _bare(item: MissionItem, *params: float) -> MissionItem:
    one, two, three, four = params
    return MissionItem(item.seq, 0, item.command, (one, two, three, four), 0, 0, 0.0)
