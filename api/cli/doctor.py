"""`bailu doctor`: whether this machine can run the platform, line by line, and what to do about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from api.cli.options import Config, DataDir, Port
from api.cli.text import out, plainly
from api.doctor.examination import examined, is_fit
from api.doctor.finding import Finding, Patient, Verdict
from api.settings import load

_SIGNS = {Verdict.GOOD: "[green]✓[/green]", Verdict.WARNING: "[yellow]![/yellow]", Verdict.FAILURE: "[red]✗[/red]"}


@plainly
def doctor(
    config: Config = None,
    port: Port = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> None:
    """Check this machine for the platform: clock, disk, ports, store, keys, SITL and more. Changes nothing.

    Exit code 0: it can run, 1: something (✗) must be done first.
    """
    patient = Patient(load(config, os.environ, port=port, data_dir=data_dir), os.environ)
    findings = []
    for finding in examined(patient):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        print(document(findings))
    if not is_fit(findings):
        raise typer.Exit(1)


def document(findings: Iterable[Finding]) -> str:
    """The report for programs."""
    findings = list(findings)
    return json.dumps(
        {"fit": is_fit(findings), "findings": [asdict(each) for each in findings]}, ensure_ascii=False, indent=2
    )


def _print(finding: Finding) -> None:
    lines = [f"{_SIGNS[finding.verdict]} [bold]{finding.check}[/bold]  {escape(finding.found)}"]
    lines += [f"    → {escape(finding.remedy)}"] if finding.remedy else []
    out.print("\n".join(lines), highlight=False, soft_wrap=True)
