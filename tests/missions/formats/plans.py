"""A plan with every kind of action, for tests of what writes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from geofence.onboard import FencePolygon, OnboardFence
from missions.items import mission_items
from missions.model import Action, ActionKind, Plan, Waypoint
from tests.geofence.places import HOME, at, box

STEPS = (
    Waypoint(at(100, 0), 50.0, actions=(Action(ActionKind.GIMBAL, -90.0), Action(ActionKind.PHOTO_EVERY, 20.0))),
    Waypoint(at(300, 0), 50.0, 5.0, (Action(ActionKind.PHOTO), Action(ActionKind.SPEED, 4.0))),
    Waypoint(at(300, 200), 60.0, actions=(Action(ActionKind.PHOTO_EVERY, 0.0), Action(ActionKind.HEADING, 270.0))),
    Waypoint(at(100, 200), 60.0, actions=(Action(ActionKind.LOOK_AT, place=HOME), Action(ActionKind.VIDEO, 1.0))),
    Waypoint(at(50, 100), 60.0, actions=(Action(ActionKind.LOOK_AHEAD), Action(ActionKind.VIDEO, 0.0))),
)
FENCE = OnboardFence((FencePolygon(box(-50, -50, 400, 300), inclusion=True),), 80.0)


def a_plan(**changes: Any) -> Plan:
    items = mission_items(HOME, 4.0, STEPS, 8.0)
    plan = Plan(
        home=HOME, home_amsl_m=4.0, waypoints=STEPS, speed_mps=8.0, length_m=900.0, duration_s=120.0,
        energy_wh=10.0, battery_needed_pct=20.0, airspace_version=1, conflicts=(), fence=FENCE, items=items,
        fence_items=(), hash="h", fence_hash="f", rally=(Waypoint(at(0, 50), 30.0),),
    )  # fmt: skip
    return replace(plan, **changes)
