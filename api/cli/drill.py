"""`bailu drill`: fly written scenarios with faults on a platform of their own, and judge them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Speedup
from api.cli.text import err, expected, fail, out, plainly
from api.docks import docks_by_id
from api.drills.flying import DrillError
from api.drills.reading import DrillFileError, read_drill
from api.drills.record import Seen
from api.drills.report import as_json, junit, line_of, verdict_lines
from api.drills.runner import Report, fly, with_options
from api.drills.scenario import Kind, Scenario
from api.runtime import run
from api.settings import load

FAILED_EXIT, BAD_FILE_EXIT, INTERRUPTED_EXIT = 1, 2, 130


@plainly
def drill(
    files: Annotated[list[Path], typer.Argument(help="Drills as YAML; docs/drills.md describes the format.")],
    *,
    vehicle: Annotated[
        Kind, typer.Option("--vehicle", help="What flies where a drill does not say.")
    ] = Kind.EMBEDDED,
    speedup: Speedup = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Another luck than the drill's own.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Write the verdicts as JUnit XML.")] = None,
    as_json_lines: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON per drill on stdout.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read the files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No timeline, only verdicts.")] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings as TOML, of which the docks count.", dir_okay=False)
    ] = None,
) -> None:
    """Fly drills on a private platform behind a link that fails as they say, and judge what happened.

    Exit code 0: all as expected. 1: something was not, or a drill could not be flown. 2: a file is wrong, nothing
    flew. Everything that was started ends with the command, also on Ctrl-C.
    """
    scenarios = _read(files)
    if check:
        return
    docks = tuple(docks_by_id(load(config, os.environ)).values()) if config else ()
    chosen = [with_options(each, speedup=speedup, seed=seed, docks=docks) for each in scenarios]
    reports: list[Report] = []
    troubles: list[tuple[str, str]] = []
    try:
        run(lambda: _all(chosen, vehicle, reports, troubles, quiet=quiet, lines=as_json_lines))
    except asyncio.CancelledError:
        raise fail("ended before the drills were over.", code=INTERRUPTED_EXIT) from None
    finally:
        if junit_file is not None:
            _write(junit_file, junit(reports, troubles))
    if troubles or not all(report.ok for report in reports):
        raise typer.Exit(FAILED_EXIT)


def _read(files: list[Path]) -> list[Scenario]:
    """Every drill; all wrong files are told before anything flies."""
    found, wrong = [], []
    for file in files:
        try:
            found.append(read_drill(file))
        except DrillFileError as error:
            wrong.append(str(error))
    if wrong:
        raise fail("\n".join(wrong), code=BAD_FILE_EXIT)
    return found


async def _all(
    scenarios: list[Scenario],
    kind: Kind,
    reports: list[Report],
    troubles: list[tuple[str, str]],
    *,
    quiet: bool,
    lines: bool,
) -> None:
    _end_on_sigterm()
    for scenario in scenarios:
        err.rule(f"{scenario.name} · {kind} at {scenario.speedup:g}×, seed {scenario.seed}")
        try:
            report = await _one(scenario, kind, quiet=quiet)
        except Exception as error:
            if not isinstance(error, (DrillError, *expected())):
                raise
            troubles.append((scenario.name, str(error)))
            fail(f"{scenario.name}: {error}")
            continue
        reports.append(report)
        for line in verdict_lines(report):
            err.print(line, markup=False, soft_wrap=True)
        err.print(f"{'passed' if report.ok else 'FAILED'} in {report.took_s:.0f} s: {report.figures}", markup=False)
        if lines:
            out.out(json.dumps(as_json(report), ensure_ascii=False), highlight=False)


async def _one(scenario: Scenario, kind: Kind, *, quiet: bool) -> Report:
    def tell(seen: Seen) -> None:
        # A vehicle's text is told by the vehicle itself; that the platform tells it too needs no line.
        if not quiet and (seen.what, seen.value) != ("event", "statustext"):
            err.print(line_of(seen), markup=False, soft_wrap=True)

    with tempfile.TemporaryDirectory(prefix="bailu-drill-", ignore_cleanup_errors=True) as folder:
        return await fly(scenario, kind, Path(folder), tell)


def _end_on_sigterm() -> None:
    """SIGTERM ends it as Ctrl-C does: with everything that it started."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise fail(f"{file} cannot be written: {error.strerror}.") from None
