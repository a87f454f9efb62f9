"""The city's tasks: every one can be asked for, what is told wins."""

from __future__ import annotations

from typing import Any

import pytest

from core.altitude import Datum
from core.errors import InvalidRequest
from geofence.frame import LocalFrame
from missions.energy import AIRFRAMES
from missions.fleet import default_docks
from missions.model import MissionRequest, Pattern
from missions.patterns.catalog import CATALOG
from missions.patterns.drawn import drawn_pieces
from missions.request import parse_request, request_feature
from missions.templates import TEMPLATES, Template
from tests.missions.test_request import GEOMETRIES

DOCKS = default_docks()
EVERY = [
    pytest.param(template, airframe, id=f"{template.id} {airframe}")
    for template in TEMPLATES.values()
    for airframe in AIRFRAMES
]


def asked(template: Template, airframe: str = "quad-3kg", **told: object) -> MissionRequest:
    kind = CATALOG[template.pattern].geometry[0]
    feature: dict[str, Any] = {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": GEOMETRIES[kind]},
        "properties": {"template": template.id, **told},
    }
    return parse_request(feature, DOCKS, {dock.id: airframe for dock in DOCKS})


@pytest.mark.parametrize(("template", "airframe"), EVERY)
def test_a_template_and_a_geometry_make_a_request_and_its_pattern(template: Template, airframe: str) -> None:
    request = asked(template, airframe)
    assert (request.pattern, request.name, request.template) == (template.pattern, template.name, template.id)
    assert request.speed_mps <= AIRFRAMES[airframe].max_speed_mps
    assert parse_request(request_feature(request), DOCKS) == request
    if request.pattern is not Pattern.SURVEY:
        assert drawn_pieces(request, LocalFrame(DOCKS[0].place))


@pytest.mark.parametrize(("template", "airframe"), EVERY)
def test_a_template_says_nothing_that_no_request_may_say(template: Template, airframe: str) -> None:
    known = {each.name for each in CATALOG[template.pattern].parameters}
    assert template.defaults(airframe).keys() <= known | {"alt_rel_m", "alt_agl_m", "speed_mps", "returns"}
    assert {"quad-3kg", "hexa-7kg"} <= template.by_airframe.keys() <= AIRFRAMES.keys()


def test_what_is_told_wins_over_the_template() -> None:
    request = asked(TEMPLATES["river-patrol"], width_m=90, name="大莲湖", speed_mps=5)
    assert (request.parameters["width_m"], request.name, request.speed_mps) == (90.0, "大莲湖", 5.0)
    assert request.parameters["banks"] is True


def test_null_takes_away_what_the_template_says() -> None:
    assert "trigger_m" in asked(TEMPLATES["farmland-use"]).parameters
    request = asked(TEMPLATES["farmland-use"], trigger_m=None)
    assert "trigger_m" not in request.parameters
    assert parse_request(request_feature(request), DOCKS) == request


def test_what_is_told_shuts_out_what_cannot_stand_beside_it() -> None:
    request = asked(TEMPLATES["emergency-scout"], arc_deg=90, alt_agl_m=50)
    assert "laps" not in request.parameters
    assert (request.alt_m, request.alt_datum) == (50.0, Datum.AGL)


def test_defaults_depend_on_the_class_of_the_vehicle() -> None:
    speeds = {name: asked(TEMPLATES["farmland-use"], name).speed_mps for name in ("quad-3kg", "hexa-7kg")}
    assert speeds["quad-3kg"] < speeds["hexa-7kg"]
    assert asked(TEMPLATES["farmland-use"], "unheard-of").speed_mps == speeds["quad-3kg"]


def test_another_pattern_than_the_templates_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="river-patrol is a corridor"):
        asked(TEMPLATES["river-patrol"], pattern="route")
