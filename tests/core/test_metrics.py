"""Fixed buckets: every value is counted once, where its bound is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.metrics import SHORT_S, Histogram


@given(st.lists(st.floats(0.0, 10.0)))
def test_every_value_is_counted_once_below_the_first_bound_that_it_does_not_exceed(values: list[float]) -> None:
    histogram = Histogram(SHORT_S)
    for value in values:
        histogram.observe(value)
    read = histogram.read("x", ("a",))
    below = [sum(value <= bound for value in values) for bound in SHORT_S]
    assert [sum(read.counts[: place + 1]) for place in range(len(SHORT_S))] == below
    assert (sum(read.counts), read.total, read.labels) == (len(values), sum(values), ("a",))
