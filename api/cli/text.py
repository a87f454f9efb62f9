"""How the commands talk: results on stdout, everything else on stderr, failures as one clear sentence."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console

from core.errors import BailuError

P = ParamSpec("P")
R = TypeVar("R")

out = Console()
err = Console(stderr=True, highlight=False)


def fail(sentence: str, *, code: int = 1) -> typer.Exit:
    """Says `sentence` on stderr; raise what this returns."""
    print(f"bailu: {sentence}", file=sys.stderr)
    return typer.Exit(code)


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Makes every expected failure of `command` one sentence and a non-zero exit; defects keep their traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            cause = _only(error)
            if isinstance(cause, typer.Exit):
                raise cause from None
            if isinstance(cause, expected()):
                raise fail(str(cause)) from None
            raise

    return wrapped


def expected() -> tuple[type[Exception], ...]:
    """The failures whose text is a sentence for a person; imported when one is met."""
    from adapters.bus_socket import BusSocketError  # noqa: PLC0415
    from adapters.keyring import KeyRingError  # noqa: PLC0415
    from adapters.sqlite.migrate import NewerDatabase  # noqa: PLC0415
    from api.client import PlatformError  # noqa: PLC0415
    from api.fleet_process import FleetError  # noqa: PLC0415
    from api.folder import StartError  # noqa: PLC0415
    from api.settings import SettingsError  # noqa: PLC0415
    from simulator.sitl import SitlExited, SitlNotFound  # noqa: PLC0415
    from simulator.sockets import PortTaken  # noqa: PLC0415
    from telemetry.links import LinkError  # noqa: PLC0415
    from telemetry.provisioning import ProvisioningError  # noqa: PLC0415

    return (
        BailuError, BusSocketError, FleetError, KeyRingError, LinkError, NewerDatabase, PlatformError, PortTaken,
        SettingsError, ProvisioningError, SitlExited, SitlNotFound, StartError,
    )  # fmt: skip


def _only(error: BaseException) -> BaseException:
    """What a task group wraps, when it is one thing."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
