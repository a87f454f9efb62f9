"""Cameras that run where they must not."""

from __future__ import annotations

from numpy.random import Generator

from geofence.zones import Role
from missions.model import Action, ActionKind
from tests.missions.prove.builder import (
    Case,
    a_plan,
    airspace,
    circle_zone,
)
from tests.missions.prove.mutations.cases import (
    Family,
    Mutant,
    middle,
    path_of,
    valid_case,
    with_plan,
    with_zones,
)


def camera_left_on(rng: Generator) -> Mutant:
    """A camera that starts at waypoint 1 and should stop before the quiet zone of leg 2 → 3."""
    case = valid_case(rng)
    path = path_of(case)
    kind, value = ((ActionKind.PHOTO_EVERY, 20.0), (ActionKind.VIDEO, 1.0))[int(rng.integers(2))]
    on, off = (Action(kind, value),), (Action(kind, 0.0),)
    first = a_plan(path, actions={1: on, 2: off})
    base = Case(first, case.airspace)
    return Mutant("no-film", base, with_plan(base, a_plan(path, actions={1: on})))


def photo_in_a_quiet_place(rng: Generator) -> Mutant:
    case = valid_case(rng)
    path = path_of(case)
    base = Case(a_plan(path, actions={1: (Action(ActionKind.PHOTO),)}), case.airspace)
    x, y = middle(path, 2)
    path.insert(2, (x, y, path[0][2]))
    return Mutant("no-film", base, with_plan(base, a_plan(path, actions={3: (Action(ActionKind.PHOTO),)})))


def quiet_zone_below_a_camera(rng: Generator) -> Mutant:
    case = valid_case(rng)
    path = path_of(case)
    film = a_plan(path, actions={1: (Action(ActionKind.VIDEO, 1.0),), 2: (Action(ActionKind.VIDEO, 0.0),)})
    base = Case(film, airspace())
    x, y = middle(path, 1)
    quiet = circle_zone("new", x, y, float(rng.uniform(1.0, 30.0)), Role.NO_FILM, margin_m=0.0)
    return Mutant("no-film", base, with_zones(base, quiet))


FAMILIES: tuple[Family, ...] = (
    camera_left_on,
    photo_in_a_quiet_place,
    quiet_zone_below_a_camera,
)
