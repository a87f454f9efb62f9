"""Guided targets: SET_POSITION_TARGET_GLOBAL_INT and _LOCAL_NED; nonsense stops the vehicle where it is."""

from __future__ import annotations

import math

from simulator.flight.aircraft import Aircraft
from simulator.flight.guided import MAX_VELOCITY_MPS, Guided
from simulator.flight.places import Vector
from simulator.protocol.codec import Message, dialect
from simulator.protocol.commands import fence_allows, point_of

NO_POSITION, NO_VELOCITY, NO_ACCEL, FORCE, NO_YAW, NO_YAW_RATE = 7, 56, 448, 512, 1024, 2048
"""POSITION_TARGET_TYPEMASK bits."""

_BODY_FRAMES = (dialect.MAV_FRAME_BODY_NED, dialect.MAV_FRAME_BODY_OFFSET_NED)
_OFFSET_FRAMES = (dialect.MAV_FRAME_LOCAL_OFFSET_NED, *_BODY_FRAMES)


def set_global(craft: Aircraft, message: Message) -> None:
    """SET_POSITION_TARGET_GLOBAL_INT; ignored outside GUIDED."""
    guided = craft.controller
    if not isinstance(guided, Guided):
        return
    mask = message.type_mask
    point: Vector | None = None
    if not mask & NO_POSITION:
        point = point_of(craft, message.coordinate_frame, message.lat_int, message.lon_int, message.alt)
        if point is None:
            guided.stop(craft)
            return
    _apply(craft, guided, message, point, (message.vx, message.vy, -message.vz), body_frame=False)


def set_local(craft: Aircraft, message: Message) -> None:
    """SET_POSITION_TARGET_LOCAL_NED; positions from the origin, from here, or from here along the nose."""
    guided = craft.controller
    if not isinstance(guided, Guided):
        return
    frame, body = message.coordinate_frame, craft.body
    if frame != dialect.MAV_FRAME_LOCAL_NED and frame not in _OFFSET_FRAMES:
        guided.stop(craft)
        return
    in_body = frame in _BODY_FRAMES
    point: Vector | None = None
    if not message.type_mask & NO_POSITION:
        north, east = _turned(craft, message.x, message.y) if in_body else (message.x, message.y)
        up = -message.z
        if frame in _OFFSET_FRAMES:
            north, east, up = north + body.north_m, east + body.east_m, up + body.up_m
        point = (north, east, up)
    vn, ve = _turned(craft, message.vx, message.vy) if in_body else (message.vx, message.vy)
    _apply(craft, guided, message, point, (vn, ve, -message.vz), body_frame=in_body)


def _apply(
    craft: Aircraft, guided: Guided, message: Message, point: Vector | None, velocity: Vector, *, body_frame: bool
) -> None:
    mask = message.type_mask
    wants_velocity = not mask & NO_VELOCITY
    sane = all(math.isfinite(v) and abs(v) <= MAX_VELOCITY_MPS for v in velocity)
    finite = point is None or all(math.isfinite(v) for v in point)
    forced = bool(mask & FORCE) and not mask & NO_ACCEL
    if forced or not finite or (wants_velocity and not sane) or (point is None and not wants_velocity):
        guided.stop(craft)
        return
    if not mask & NO_YAW:
        craft.yaw.turn_to(message.yaw, 0.0, 0, body_frame, craft.body)
    elif not mask & NO_YAW_RATE:
        craft.yaw.spin(message.yaw_rate, craft.body)
    if point is None:
        guided.fly_along(craft, velocity)
    elif fence_allows(craft, point):
        guided.fly_to(craft, point, keep_yaw=not mask & NO_YAW or not mask & NO_YAW_RATE)


def _turned(craft: Aircraft, forward: float, right: float) -> tuple[float, float]:
    cos, sin = math.cos(craft.body.yaw_rad), math.sin(craft.body.yaw_rad)
    return forward * cos - right * sin, forward * sin + right * cos
