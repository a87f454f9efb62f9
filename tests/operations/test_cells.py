"""Columns as text: each number and each time as Python writes it, all rows at once."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from operations.recording.formats.cells import instants, lines, numbers
from operations.recording.rows import ROW
from operations.recording.table import Scaled, scaled
from operations.recording.tracks import micros_of, time_of


def written(value: int, decimals: int) -> str:
    """The number as exact arithmetic has it."""
    text = f"{Decimal(value).scaleb(-decimals):f}"
    if not decimals:
        return text
    whole, part = text.split(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


@given(values=st.lists(st.integers(-(10**15), 10**15) | st.integers(-99_999, 99_999)), decimals=st.integers(0, 8))
@example([0, 1, -1, 9_999, 10_000, 100_000_000, 1_211_240_000, -1_000_100_010_001], 7)
def test_numbers_are_exact_whatever_their_size(values: list[int], decimals: int) -> None:
    column = Scaled(np.array(values, np.int64), np.ones(len(values), np.bool_), decimals)
    made = lines(len(values), *numbers(column), b"\n").decode().splitlines()
    assert made == [written(value, decimals) for value in values]


@pytest.mark.parametrize("name", ["alt_agl_m", "satellites"])
def test_what_was_never_told_is_nothing_beside_what_was(name: str) -> None:
    rows = np.zeros(2, ROW)
    rows[name] = (-1 if name == "satellites" else np.nan, 7)
    assert lines(2, b"<", *numbers(scaled(rows, name)), b">") == (b"<><7>" if name == "satellites" else b"<><7.0>")


@pytest.mark.parametrize("broken", [np.inf, -np.inf, 3e38])
def test_what_no_sensor_can_mean_is_as_untold(broken: float) -> None:
    rows = np.zeros(1, ROW)
    rows["vibration_mps2"] = broken
    assert lines(1, *numbers(scaled(rows, "vibration_mps2")), b";") == b";"


@given(st.lists(st.integers(0, micros_of(datetime(3000, 1, 1, tzinfo=UTC)))))
def test_times_are_rfc_3339_to_the_microsecond(at_us: list[int]) -> None:
    made = lines(len(at_us), *instants(np.array(at_us, np.int64)), b"\n").decode().splitlines()
    assert made == [f"{time_of(each):%Y-%m-%dT%H:%M:%S.%f}Z" for each in at_us]


def test_more_rows_than_are_made_at_once_are_all_there() -> None:
    column = Scaled(np.arange(9_000), np.ones(9_000, np.bool_), 0)
    assert lines(9_000, *numbers(column), b",") == ",".join(map(str, range(9_000))).encode() + b","
