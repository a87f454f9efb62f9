"""All checks, one after the other, each within a deadline; a check that fails is a finding too."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence

from api.doctor import folder, machine, ports, programs
from api.doctor.finding import Check, Finding, Patient, Verdict, failure
from core.errors import BailuError

WITHIN_S = 15.0

CHECKS: Mapping[str, Check] = {
    "clock": machine.clock,
    "python": machine.python,
    "processors": machine.processors,
    "open files": machine.open_files,
    "receive buffer": machine.receive_buffer,
    "compiled kernels": machine.kernel_cache,
    "disk": folder.disk,
    "store": folder.store,
    "key file": folder.key_file,
    "bus": folder.bus,
    "http port": ports.http,
    "links": ports.links,
    "console": programs.console,
    "terrain": programs.terrain,
    "sitl": programs.sitl,
}


def examined(
    patient: Patient, checks: Mapping[str, Check] = CHECKS, *, within_s: float = WITHIN_S
) -> Iterator[Finding]:
    """Every finding, as soon as it is known."""
    for name, check in checks.items():
        yield from _found(name, check, patient, within_s)


def _found(name: str, check: Check, patient: Patient, within_s: float) -> Iterable[Finding]:
    """A disk or a name server that hangs holds up its own line only; its thread is left behind."""
    answer: queue.SimpleQueue[Sequence[Finding]] = queue.SimpleQueue()
    threading.Thread(target=lambda: answer.put(_answered(name, check, patient)), name=name, daemon=True).start()
    try:
        return answer.get(timeout=within_s)
    except queue.Empty:
        return [failure(name, f"no answer within {within_s:g} s", "See whether its disk or network hangs.")]


def _answered(name: str, check: Check, patient: Patient) -> Sequence[Finding]:
    try:
        return list(check(patient))
    except (OSError, ValueError, BailuError) as error:
        return [failure(name, f"it cannot be looked at: {error}", "See whether the user who asks may look at it.")]


def is_fit(findings: Iterable[Finding]) -> bool:
    """Whether nothing keeps the platform from running."""
    return all(finding.verdict is not Verdict.FAILURE for finding in findings)
