"""What the aircraft knows of itself: sensors after boot, GPS, and a position that outlives GPS for a while."""

from __future__ import annotations

READY_S = 1.0
GPS_FIX_S = 2.0
POSITION_READY_S = 5.0
"""Seconds after boot; a real EKF takes some thirty, which tests need not wait for."""
POSITION_MEMORY_S = 7.0
"""Without GPS the estimate still counts as a position for this long; on SITL the EKF failsafe acts after 8.0 s, one
of them its own patience."""


class Senses:
    """``step`` updates the three facts and returns the status texts of what became true."""

    __slots__ = ("_gps_lost_s", "gps_ok", "position_ok", "ready")

    def __init__(self) -> None:
        self.ready = self.gps_ok = self.position_ok = False
        self._gps_lost_s: float | None = None

    def step(self, now_s: float, gps_enabled: bool) -> tuple[str, ...]:
        """Advance to a time since boot."""
        news: tuple[str, ...] = ()
        if not self.ready and now_s >= READY_S:
            self.ready = True
            news = ("ArduPilot Ready", "EKF3 IMU0 initialised")
        self.gps_ok = gps_enabled and now_s >= GPS_FIX_S
        if self.gps_ok:
            self._gps_lost_s = None
            if not self.position_ok and now_s >= POSITION_READY_S:
                self.position_ok = True
                news = (*news, "EKF3 IMU0 is using GPS")
        elif self.position_ok:
            self._gps_lost_s = now_s if self._gps_lost_s is None else self._gps_lost_s
            self.position_ok = now_s - self._gps_lost_s < POSITION_MEMORY_S
        return news
