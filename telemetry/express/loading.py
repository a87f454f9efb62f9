"""How a running service gets the compiled loop without standing still for it."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress

from telemetry.express.way import Express, Take

log = logging.getLogger("bailu.express")

# Compiling takes some ten seconds on a machine that does nothing else.
_COMPILED_WITHIN_S = 300.0


async def loaded() -> Take | None:
    """The compiled loop; None, which the log tells, where it cannot be had.

    It is compiled in a process of its own, once on a machine: the interpreter would not let anybody else think.
    """
    # The first one compiles it, the second one tells whether it was kept.
    if not (await _finds_it() or await _finds_it()):
        log.warning("what vehicles say is taken one by one: the compiled way could not be made or kept on disk")
        return None
    return await asyncio.to_thread(_imported)


async def _finds_it() -> bool:
    command = (sys.executable, "-m", "telemetry.express")
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(_COMPILED_WITHIN_S):
            return await process.wait() == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())


def _imported() -> Take:
    from telemetry.express.kernel import take  # noqa: PLC0415 - imports numba: only who has much to take waits for that

    return rehearsed(take)


def rehearsed(take: Take) -> Take:
    """The loop, compiled or read from disk for the types that it is called with."""
    Express.rehearse(take)
    return take
