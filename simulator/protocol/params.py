"""The parameter protocol: list, read, set."""

from __future__ import annotations

import math

from simulator.flight.aircraft import Aircraft
from simulator.flight.kinds import Severity
from simulator.flight.parameters import READ_ONLY, Reading
from simulator.protocol.channel import Channel
from simulator.protocol.codec import Message, dialect

PER_STEP = 20
"""Parameters of a running list sent per physics step."""
NO_INDEX = 65535
"""param_index of an answer to a read by name or to a set."""


def value_message(reading: Reading, count: int, index: int | None = None) -> Message:
    """PARAM_VALUE; every type travels as a float, as ArduPilot does it."""
    return dialect.MAVLink_param_value_message(
        reading.name.encode(), reading.value, int(reading.kind), count, reading.index if index is None else index
    )


def request_list(channel: Channel, craft: Aircraft) -> None:
    """PARAM_REQUEST_LIST: begin (again) at the first parameter."""
    channel.parameter_list = iter(craft.params)


def continue_list(channel: Channel, craft: Aircraft) -> None:
    """Send the next few of a running list."""
    if channel.parameter_list is None:
        return
    for _ in range(PER_STEP):
        reading = next(channel.parameter_list, None)
        if reading is None:
            channel.parameter_list = None
            return
        channel.send(value_message(reading, len(craft.params)))


def request_read(channel: Channel, craft: Aircraft, message: Message) -> None:
    """PARAM_REQUEST_READ by index or, with index -1, by name; an unknown parameter gets no answer at all."""
    if message.param_index != -1:
        if 0 <= message.param_index < len(craft.params):
            channel.send(value_message(craft.params.at(message.param_index), len(craft.params)))
        return
    reading = craft.params.find(name_of(message))
    if reading is not None:
        channel.send(value_message(reading, len(craft.params), NO_INDEX))


def set_value(channel: Channel, craft: Aircraft, message: Message) -> Reading | None:
    """PARAM_SET. Returns the new value when it changed something, to be told to every active channel.

    Unknown names and values that are no numbers are ignored in silence; read-only ones are answered as they are.
    """
    name = name_of(message)
    if name not in craft.params or not math.isfinite(message.param_value):
        return None
    if name in READ_ONLY:
        craft.say(Severity.WARNING, f"Param write denied ({name})")
        reading = craft.params.find(name)
        assert reading is not None
        channel.send(value_message(reading, len(craft.params), NO_INDEX))
        return None
    craft.params.set(name, message.param_value)
    return craft.params.find(name)


def name_of(message: Message) -> str:
    """The parameter name in a message: up to 16 characters, ended by a zero or not."""
    raw = message.param_id
    return raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)
