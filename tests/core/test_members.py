from __future__ import annotations

import pytest

from core.errors import InvalidRequest
from core.members import MOST_ERRORS, Problems, below, read_array, read_number, read_object, read_text


def test_a_pointer_is_escaped_as_rfc_6901_asks() -> None:
    assert below(below("/a", "x/y~z"), 3) == "/a/x~1y~0z/3"


def test_nothing_found_raises_nothing() -> None:
    Problems().raise_any()


def test_all_found_is_told_but_not_without_bound() -> None:
    problems = Problems()
    for index in range(3 * MOST_ERRORS):
        problems.add(f"/{index}", "is wrong")
    assert len(problems) == 3 * MOST_ERRORS
    with pytest.raises(InvalidRequest) as caught:
        problems.raise_any()
    assert len(caught.value.errors) == MOST_ERRORS


@pytest.mark.parametrize("value", [True, "1", None, [], float("nan"), float("-inf"), 10**999, 11, -1])
def test_what_is_no_number_in_range_is_noted(value: object) -> None:
    problems = Problems()
    assert read_number(value, "/n", problems, low=0.0, high=10.0) is None
    assert len(problems) == 1


def test_unknown_and_missing_members_are_noted() -> None:
    problems = Problems()
    read_object({"a": 1, "z": 2}, "", problems, known=("a", "b"), required=("a", "b"))
    with pytest.raises(InvalidRequest, match=r"/z.*known are a, b; /b: is missing"):
        problems.raise_any()


def test_bounds_of_arrays_and_texts_are_kept() -> None:
    problems = Problems()
    assert read_array([1, 2, 3], "", problems, longest=2) == []
    assert read_text("abc", "", problems, longest=2) is None
    assert read_text("  ", "", problems, longest=9) is None
    assert len(problems) == 3
