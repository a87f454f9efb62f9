from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from core.altitude import AltitudeBand
from core.ids import ZoneId
from geofence.frame import LocalFrame
from geofence.space import Ground, Placed, Space
from geofence.window import TimeWindow
from geofence.zones import Airspace, CircleShape, Role, Zone
from missions.assemble import Step
from missions.filming import LEAD_M, film_conflicts, without_filming
from missions.model import Action, ActionKind
from tests.geofence.places import FRAME, HOME, at

WINDOW = TimeWindow(datetime(2026, 3, 1, 8, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC))
ON, OFF = Action(ActionKind.PHOTO_EVERY, 20.0), Action(ActionKind.PHOTO_EVERY, 0.0)


def no_film(x_m: float, radius_m: float = 50.0) -> tuple[Placed, ...]:
    shape = CircleShape(at(x_m, 0.0), radius_m)
    zone = Zone(ZoneId("home"), "敬老院", Role.NO_FILM, shape, band=AltitudeBand(), margin_m=0.0)
    return Space.of(Airspace(1, (zone,)), LocalFrame(HOME), WINDOW, Ground()).no_film


def path(*actions: tuple[Action, ...]) -> list[Step]:
    return [Step(np.array([400.0 * n, 0.0, 60.0]), actions=each, working=True) for n, each in enumerate(actions)]


def test_the_camera_goes_off_before_a_zone_and_on_after_it() -> None:
    steps = without_filming(path((ON,), (), (OFF,)), no_film(600.0))
    assert [step.actions for step in steps] == [(ON,), (), (OFF,), (ON,), (OFF,)]
    assert steps[2].xyz[0] == pytest.approx(550.0 - LEAD_M, abs=0.6)
    assert steps[3].xyz[0] == pytest.approx(650.0 + LEAD_M, abs=0.6)


def test_a_camera_that_is_off_is_left_alone() -> None:
    steps = path((), (), ())
    assert without_filming(steps, no_film(600.0)) == steps


def test_a_vertex_within_a_zone_does_not_switch_it_on() -> None:
    steps = without_filming(path((), (ON,), ()), no_film(400.0))
    assert [step.actions for step in steps] == [(), (OFF,), (ON,), ()]
    assert steps[2].xyz[0] == pytest.approx(450.0 + LEAD_M, abs=0.6)


def test_a_single_picture_within_a_zone_is_a_conflict() -> None:
    steps = path((), (Action(ActionKind.PHOTO),), ())
    found = list(film_conflicts(steps, no_film(400.0), FRAME))
    assert [one.code for one in found] == ["photo-in-no-film-zone"]
    assert not list(film_conflicts(steps, no_film(600.0), FRAME))
