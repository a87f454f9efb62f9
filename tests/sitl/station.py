"""Another ground station, by pymavlink's own reader and writer: it takes a vehicle over and steers it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pymavlink import mavutil

SYSTEM_ID = 200
_GUIDED = 4  # ArduCopter/mode.h
# GUID_TIMEOUT is 3 s of the vehicle's time: at ten times the pace it stops after 0.3 s of ours.
_EVERY_S = 0.1
# Position, acceleration and yaw are to be ignored (SET_POSITION_TARGET_LOCAL_NED, type_mask).
_VELOCITY_ONLY = 0b0000_1101_1100_0111


@contextmanager
def steering(address: tuple[str, int], system_id: int, *, north_mps: float, east_mps: float) -> Iterator[None]:
    """It puts the vehicle into GUIDED once and tells it a velocity from then on, until the context ends."""
    line = mavutil.mavlink_connection(f"tcp:{address[0]}:{address[1]}", source_system=SYSTEM_ID)
    over = threading.Event()

    def steer() -> None:
        line.mav.command_long_send(system_id, 1, mavutil.mavlink.MAV_CMD_DO_SET_MODE, 0, 1, _GUIDED, 0, 0, 0, 0, 0)
        while not over.wait(_EVERY_S):
            line.mav.set_position_target_local_ned_send(
                0, system_id, 1, mavutil.mavlink.MAV_FRAME_LOCAL_NED, _VELOCITY_ONLY,
                0, 0, 0, north_mps, east_mps, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
            while line.recv_match() is not None:
                pass

    thread = threading.Thread(target=steer, name="another ground station")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
        line.close()
