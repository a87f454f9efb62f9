"""A drill told to people as a timeline with verdicts, and to machines as JUnit XML and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as Xml

from api.drills.record import Seen
from api.drills.runner import Report


def line_of(seen: Seen) -> str:
    """One line of the timeline."""
    detail = f"  {seen.detail}" if seen.detail else ""
    return f"{seen.at_s:7.1f} s  {seen.vehicle or '·':<8} {seen.what:<9} {seen.value}{detail}"


def verdict_lines(report: Report) -> Iterator[str]:
    """What was expected, and what was seen where it was not so."""
    for verdict in report.verdicts:
        yield f"{'✓' if verdict.ok else '✗'} {verdict.name}" + (f" ({verdict.vehicle})" if verdict.vehicle else "")
        for check in verdict.checks:
            if not check.ok:
                yield f"    ✗ {check.what}; seen: {check.seen}"


def as_json(report: Report) -> dict[str, Any]:
    """One drill as JSON."""
    return {
        "name": report.scenario.name,
        "vehicle": str(report.kind),
        "firmware": report.firmware,
        "speedup": report.scenario.speedup,
        "seed": report.scenario.seed,
        "ok": report.ok,
        "took_s": round(report.took_s, 1),
        "figures": report.figures,
        "verdicts": [
            {
                "name": each.name,
                "vehicle": each.vehicle,
                "ok": each.ok,
                "checks": [asdict(one) for one in each.checks],
            }
            for each in report.verdicts
        ],
        "timeline": [asdict(each) | {"at_s": round(each.at_s, 2)} for each in report.seen],
    }


def junit(reports: Iterable[Report], failed_to_fly: Iterable[tuple[str, str]] = ()) -> str:
    """JUnit XML: a suite per drill, a case per expectation; `failed_to_fly`: files and why, as errors."""
    root = Xml.Element("testsuites")
    for report in reports:
        cases, bad = report.verdicts, [each for each in report.verdicts if not each.ok]
        suite = Xml.SubElement(
            root, "testsuite", name=report.scenario.name, tests=str(len(cases)), failures=str(len(bad)), errors="0",
            skipped="0", time=f"{report.took_s:.3f}",
        )  # fmt: skip
        for verdict in cases:
            case = Xml.SubElement(
                suite, "testcase", classname=f"{report.scenario.name}.{report.kind}", name=verdict.name
            )
            wrong = [f"{check.what}; seen: {check.seen}" for check in verdict.checks if not check.ok]
            if wrong:
                Xml.SubElement(case, "failure", message=_clean(wrong[0])).text = _clean("\n".join(wrong))
        told = "\n".join(line_of(each) for each in report.seen)
        Xml.SubElement(suite, "system-out").text = _clean(f"{json.dumps(report.figures)}\n{told}")
    for name, why in failed_to_fly:
        suite = Xml.SubElement(root, "testsuite", name=name, tests="1", failures="0", errors="1", skipped="0")
        case = Xml.SubElement(suite, "testcase", classname=name, name="the drill can be flown")
        Xml.SubElement(case, "error", message=_clean(why.splitlines()[0])).text = _clean(why)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot carry: a vehicle's words are anybody's bytes."""
    return "".join(char for char in text if char in "\t\n" or (char >= "\x20" and char not in "\ufffe\uffff"))
