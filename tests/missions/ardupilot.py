"""What ArduCopter gives back of uploaded items, by its own storage rules and apart from `missions.items`."""

from __future__ import annotations

import numpy as np

from missions.model import MissionItem

HOME_OF_THE_VEHICLE = MissionItem(0, 0, 16, (0.0, 0.0, 0.0, 0.0), 311_500_123, 1_211_200_456, 10.1)


def stored_mission(items: tuple[MissionItem, ...]) -> tuple[MissionItem, ...]:
    """Read back: the vehicle's own home first, centimetres cut off by a C cast, unused params gone."""
    return (HOME_OF_THE_VEHICLE, *(_stored(item) for item in items[1:]))


def _stored(item: MissionItem) -> MissionItem:
    one, two, three, _ = (float(np.float32(value)) for value in item.params)
    match item.command:
        case 16 | 22:
            centimetres = int(np.float32(item.z_m) * np.float32(100.0))
            alt_m = float(np.float32(centimetres) * np.float32(0.01))
            params = (float(np.uint16(one)), 0.0, 0.0, 0.0)
            return MissionItem(item.seq, item.frame, item.command, params, item.x_e7, item.y_e7, alt_m)
        case 178:
            return MissionItem(item.seq, 0, 178, (one, two, three, 0.0), 0, 0, 0.0)
        case 20:
            return MissionItem(item.seq, 0, 20, (0.0, 0.0, 0.0, 0.0), 0, 0, 0.0)
    raise AssertionError(item.command)
