"""Judging a drill: what was seen against what was expected. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.drills.record import Seen
from api.drills.scenario import Bounds, Expectation

GCS_FAILSAFE = "GCS Failsafe"
FINISHED = ("closed", "refused", "lost")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was expected: whether it was so, and what was seen."""

    what: str
    ok: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation judged; it holds when all of its checks do."""

    name: str
    vehicle: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one vehicle's part: its lines in order, its last sortie (None: none), its figures."""

    lines: tuple[Seen, ...]
    sortie: Mapping[str, Any] | None
    figures: Mapping[str, float]
    answers: Mapping[str, str]
    launched_at_s: float | None

    def words(self, what: str) -> list[str]:
        """The values of the lines of one sort."""
        return [line.value for line in self.lines if line.what == what]

    def events(self) -> list[str]:
        """Code and text of every event of the platform."""
        return [f"{line.value}: {line.detail}" for line in self.lines if line.what == "event"]


def judge(expected: Expectation, seen: Evidence) -> Verdict:
    """The verdict on one expectation."""
    return Verdict(expected.name, expected.vehicle, tuple(_checks(expected, seen)))


def _checks(expected: Expectation, seen: Evidence) -> Iterator[Check]:
    sortie = seen.sortie or {}
    if expected.outcome is not None:
        outcome = str(sortie.get("outcome") or "none")
        why = (sortie.get("problem") or {}).get("detail", "")
        yield Check(f"outcome {expected.outcome}", outcome == expected.outcome, f"{outcome} {why}".strip())
    if expected.states:
        yield _in_order("states", expected.states, seen.words("state"))
    if expected.modes:
        yield _in_order("modes", expected.modes, seen.words("mode"))
    if expected.events:
        yield _in_order("events", expected.events, seen.events())
    for text in expected.texts:
        said = seen.words("text")
        yield Check(f"it says {text!r}", any(text in each for each in said), _short(said))
    yield from _nevers(expected, seen)
    if expected.upload_verified is not None:
        verified = bool(sortie.get("upload_verified"))
        wanted = expected.upload_verified
        yield Check(f"upload verified: {wanted}", verified is wanted, str(verified))
    if expected.within_s is not None:
        yield _within(expected.within_s, seen)
    for name, bounds in expected.figures.items():
        yield _bounded(name, bounds, seen.figures.get(name))
    for answer in expected.answers:
        given = seen.answers.get(answer.step, "none")
        yield Check(f"{answer.step!r} is answered with {answer.is_word}", given == answer.is_word, given)


def _in_order(what: str, wanted: Sequence[str], found: Sequence[str]) -> Check:
    """Whether the wanted words are found in their order; others may come between."""
    rest = iter(found)
    missing = [word for word in wanted if not any(word in each for each in rest)]
    return Check(f"{what} {', '.join(wanted)}", not missing, _short(found))


def _nevers(expected: Expectation, seen: Evidence) -> Iterator[Check]:
    never = expected.never
    for what, words, found in (
        ("state", never.states, seen.words("state")),
        ("mode", never.modes, seen.words("mode")),
    ):
        for word in words:
            yield Check(f"never {what} {word}", word not in found, _short(found))
    for what, words, found in (("text", never.texts, seen.words("text")), ("event", never.events, seen.events())):
        for word in words:
            met = [each for each in found if word in each]
            yield Check(f"never {what} {word!r}", not met, _short(met) if met else "none")
    if expected.gcs_failsafe is not None:
        said = [each for each in seen.words("text") if GCS_FAILSAFE in each]
        wanted = expected.gcs_failsafe
        yield Check(f"GCS failsafe: {wanted}", bool(said) is wanted, _short(said) or "none")


def _within(limit_s: float, seen: Evidence) -> Check:
    ends = [line.at_s for line in seen.lines if line.what == "state" and line.value in FINISHED]
    if not ends or seen.launched_at_s is None:
        return Check(f"over within {limit_s:g} s", ok=False, seen="not over")
    took_s = ends[-1] - seen.launched_at_s
    return Check(f"over within {limit_s:g} s", took_s <= limit_s, f"{took_s:.1f} s")


def _bounded(name: str, bounds: Bounds, value: float | None) -> Check:
    low, high = bounds.at_least, bounds.at_most
    wanted = " and ".join(
        f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None
    )
    if value is None:
        return Check(f"{name} {wanted}", ok=False, seen="not measured")
    ok = (low is None or value >= low) and (high is None or value <= high)
    return Check(f"{name} {wanted}", ok, f"{value:g}")


def _short(words: Sequence[str]) -> str:
    text = " · ".join(words)
    return text if len(text) <= 300 else f"…{text[-299:]}"


def sortie_figures(sortie: Mapping[str, Any], speedup: float) -> dict[str, float]:
    """The figures that the platform's record of a flight has."""
    found = {name: float(sortie[name]) for name in ("breaches", "distance_m", "waypoints_reached")}
    start, end = sortie["battery_start_pct"], sortie["battery_end_pct"]
    if start is not None and end is not None:
        found["battery_used_pct"] = start - end
    if sortie["armed_at"] and sortie["landed_at"]:
        took = datetime.fromisoformat(sortie["landed_at"]) - datetime.fromisoformat(sortie["armed_at"])
        found["duration_s"] = took.total_seconds() * speedup
    return found
