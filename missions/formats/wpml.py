"""Plans as DJI WPML: a KMZ of `wpmz/template.kml` and `wpmz/waylines.wpml`, written for docks and remote controllers.

Heights are relative to the take-off point in both files, so that nothing depends on the vehicle's geoid. The vehicle
stops at every waypoint: that alone flies the straight legs that the plan was proved for. Source: DJI Cloud API, WPML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from geofence.formats.intake import Intake, Options
from geofence.formats.kml_write import NAMESPACE, packed
from geofence.formats.report import Change, Format, Report
from geofence.geoid import OutsideGrid, undulation_m
from missions.model import Action, ActionKind, Plan, Waypoint

WPML_NAMESPACE = "http://www.dji.com/wpmz/1.0.2"
MOST_SPEED_MPS = 15.0  # of the transitional speed
LEAST_SAFE_HEIGHT_M, MOST_SAFE_HEIGHT_M = 2.0, 1_500.0
_TURN = "toPointAndStopWithDiscontinuityCurvature"


@dataclass(frozen=True, slots=True)
class DjiModel:
    """Which vehicle and camera the file is for, by DJI's numbers: M30 with its own camera unless said otherwise."""

    drone: int = 67
    drone_sub: int = 0
    payload: int = 52
    position: int = 0


def write_wpml(plan: Plan, *, model: DjiModel | None = None) -> tuple[bytes, Report]:
    """The plan's waypoints as a KMZ, and what of its actions the format cannot hold. `plan.waypoints`: N ≥ 1."""
    intake = Intake(Options())
    machine = model or DjiModel()
    told = f"the file is for the vehicle {machine.drone}/{machine.drone_sub} with the payload {machine.payload}"
    intake.note("/wpml:droneInfo", Change.MAPPED, told)
    config = _config(plan, machine)
    speeds = _speeds(plan)
    template = _file(config, _template(plan, _home_hae_m(plan, intake)))
    waylines = _file(config, _waylines(plan, speeds, machine, intake))
    members = (("wpmz/template.kml", template), ("wpmz/waylines.wpml", waylines))
    return packed(members), intake.report(Format.WPML)


def _file(config: str, folder: str) -> bytes:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="{NAMESPACE}" xmlns:wpml="{WPML_NAMESPACE}">'
    return f"{head}<Document>{config}<Folder>{folder}</Folder></Document></kml>\n".encode()


def _tag(name: str, value: object) -> str:
    text = f"{value:.9g}" if isinstance(value, float) else str(value)
    return f"<wpml:{name}>{text}</wpml:{name}>"


def _tags(**values: object) -> str:
    return "".join(_tag(name, value) for name, value in values.items())


def _config(plan: Plan, machine: DjiModel) -> str:
    """How the flight begins and ends. A lost link ends it: the vehicle comes back rather than flying on unseen."""
    safe_m = min(max(plan.waypoints[0].alt_rel_m, LEAST_SAFE_HEIGHT_M), MOST_SAFE_HEIGHT_M)
    return _tag(
        "missionConfig",
        _tags(
            flyToWaylineMode="safely",
            finishAction="goHome",
            exitOnRCLost="executeLostAction",
            executeRCLostAction="goBack",
            takeOffSecurityHeight=safe_m,
            globalTransitionalSpeed=min(plan.speed_mps, MOST_SPEED_MPS),
            globalRTHHeight=max(plan.return_alt_rel_m, safe_m),
            droneInfo=_tags(droneEnumValue=machine.drone, droneSubEnumValue=machine.drone_sub),
            payloadInfo=_tags(
                payloadEnumValue=machine.payload, payloadSubEnumValue=0, payloadPositionIndex=machine.position
            ),
        ),
    )


def _home_hae_m(plan: Plan, intake: Intake) -> float:
    """Height of home above the ellipsoid, which the template has beside the heights that are flown."""
    try:
        return plan.home_amsl_m + undulation_m(plan.home.lat_deg, plan.home.lon_deg)
    except OutsideGrid as reason:
        told = f"heights above the ellipsoid, which are shown and not flown, are above mean sea level: {reason}"
        intake.note("/wpml:ellipsoidHeight", Change.MAPPED, told)
        return plan.home_amsl_m


def _template(plan: Plan, offset_m: float) -> str:
    system = _tags(coordinateMode="WGS84", heightMode="relativeToStartPoint", positioningType="GPS")
    head = _tags(
        templateType="waypoint",
        templateId=0,
        waylineCoordinateSysParam=system,
        autoFlightSpeed=plan.speed_mps,
        globalHeight=plan.waypoints[0].alt_rel_m,
        gimbalPitchMode="manual",
        globalWaypointHeadingParam=_tags(waypointHeadingMode="followWayline"),
        globalWaypointTurnMode=_TURN,
        globalUseStraightLine=1,
    )
    return head + "".join(
        _placemark(
            step,
            _tags(
                index=index,
                ellipsoidHeight=round(offset_m + step.alt_rel_m, 2),
                height=step.alt_rel_m,
                useGlobalHeight=0,
                useGlobalSpeed=1,
                useGlobalHeadingParam=1,
                useGlobalTurnParam=1,
            ),
        )
        for index, step in enumerate(plan.waypoints)
    )


def _waylines(plan: Plan, speeds: Sequence[float], machine: DjiModel, intake: Intake) -> str:
    head = _tags(
        templateId=0,
        executeHeightMode="relativeToStartPoint",
        waylineId=0,
        autoFlightSpeed=plan.speed_mps,
    )
    watched: Action | None = None
    triggers = _distance_triggers(plan)
    marks = []
    for index, step in enumerate(plan.waypoints):
        watched = _watched(step, watched)
        body = _tags(
            index=index,
            executeHeight=step.alt_rel_m,
            waypointSpeed=speeds[index],
            waypointHeadingParam=_heading(watched),
            waypointTurnParam=_tags(waypointTurnMode=_TURN, waypointTurnDampingDist=0),
            useStraightLine=1,
        )
        marks.append(_placemark(step, body + _groups(step, index, triggers.get(index), machine, intake)))
    return head + "".join(marks)


def _placemark(step: Waypoint, body: str) -> str:
    at = f"{step.place.lon_deg:.9f},{step.place.lat_deg:.9f}"
    return f"<Placemark><Point><coordinates>{at}</coordinates></Point>{body}</Placemark>"


def _speeds(plan: Plan) -> list[float]:
    """The speed from each waypoint on: the plan's until an action changes it."""
    found, now_mps = [], plan.speed_mps
    for step in plan.waypoints:
        changes = [action.value for action in step.actions if action.kind is ActionKind.SPEED]
        now_mps = changes[-1] if changes else now_mps
        found.append(now_mps)
    return found


def _watched(step: Waypoint, before: Action | None) -> Action | None:
    """What the nose points at after the waypoint's actions; None: along the way."""
    for action in step.actions:
        if action.kind is ActionKind.LOOK_AT:
            before = action
        elif action.kind is ActionKind.LOOK_AHEAD:
            before = None
    return before


def _heading(watched: Action | None) -> str:
    if watched is None or watched.place is None:
        return _tags(waypointHeadingMode="followWayline")
    # Latitude comes first here, unlike in coordinates; the height has no effect and should be 0.
    poi = f"{watched.place.lat_deg:.9f},{watched.place.lon_deg:.9f},0"
    return _tags(waypointHeadingMode="towardPOI", waypointPoiPoint=poi, waypointHeadingPathMode="followBadArc")


def _groups(step: Waypoint, index: int, trigger: tuple[int, float] | None, machine: DjiModel, intake: Intake) -> str:
    """What the vehicle does when it reaches the waypoint, in order, and by distance from there on."""
    wanted = [_action(action, index, machine, intake) for action in step.actions]
    if step.hold_s > 0.0:
        wanted.insert(0, _function("hover", _tags(hoverTime=step.hold_s)))
    wanted = [action for action in wanted if action]
    found = ""
    if wanted:
        found += _group_of(2 * index, index, index, _tags(actionTriggerType="reachPoint"), wanted)
    if trigger:
        end, every_m = trigger
        photo = _function("takePhoto", _tags(fileSuffix="", payloadPositionIndex=machine.position))
        when = _tags(actionTriggerType="multipleDistance", actionTriggerParam=every_m)
        found += _group_of(2 * index + 1, index, end, when, (photo,))
    return found


def _action(action: Action, index: int, machine: DjiModel, intake: Intake) -> str:
    """One action; "" for those that the waypoint's speed, heading or a distance trigger says."""
    at = _tags(payloadPositionIndex=machine.position)
    match action.kind:
        case ActionKind.PHOTO:
            return _function("takePhoto", _tags(fileSuffix=f"point{index}") + at)
        case ActionKind.VIDEO:
            return _function("startRecord" if action.value else "stopRecord", at)
        case ActionKind.GIMBAL:
            turn = _tags(
                gimbalRotateMode="absoluteAngle",
                gimbalPitchRotateEnable=1,
                gimbalPitchRotateAngle=action.value,
                gimbalRollRotateEnable=0,
                gimbalYawRotateEnable=0,
                gimbalRotateTimeEnable=0,
            )
            return _function("gimbalRotate", turn + at)
        case ActionKind.HEADING:
            # DJI counts -180 to 180 from north, clockwise.
            turned = (action.value + 180.0) % 360.0 - 180.0
            return _function("rotateYaw", _tags(aircraftHeading=turned, aircraftPathMode="clockwise"))
        case ActionKind.LOOK_AT:
            told = "the nose looks at the place, the gimbal does not follow it"
            intake.note_once(f"/waypoint/{index}", Change.MAPPED, told)
            return ""
        case ActionKind.LOOK_AHEAD | ActionKind.SPEED | ActionKind.PHOTO_EVERY:
            return ""
        case _:
            assert_never(action.kind)


def _function(name: str, parameters: str) -> str:
    return _tags(actionActuatorFunc=name, actionActuatorFuncParam=parameters)


def _distance_triggers(plan: Plan) -> dict[int, tuple[int, float]]:
    """Pictures every so many metres: where they start → where they stop, and how many metres."""
    found: dict[int, tuple[int, float]] = {}
    start, every_m = 0, 0.0
    for index, step in enumerate(plan.waypoints):
        for action in step.actions:
            if action.kind is ActionKind.PHOTO_EVERY:
                if every_m > 0.0 and index > start:
                    found[start] = index, every_m
                start, every_m = index, action.value
    last = len(plan.waypoints) - 1
    if every_m > 0.0 and last > start:
        found[start] = last, every_m
    return found


def _group_of(number: int, start: int, end: int, trigger: str, actions: Sequence[str]) -> str:
    """`number` is the group's own in the file; `actions` are done in their order."""
    head = _tags(
        actionGroupId=number,
        actionGroupStartIndex=start,
        actionGroupEndIndex=end,
        actionGroupMode="sequence",
        actionTrigger=trigger,
    )
    return _tag("actionGroup", head + "".join(_tag("action", _tag("actionId", i) + a) for i, a in enumerate(actions)))
