"""The `bailu` command: a table of what there is; a command's module is imported when the command is asked for."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

HELP = "白鹭 Bailu: the open drone middle-platform, on ArduPilot. `bailu up` starts everything on this machine."

# Name on the command line → module and function, or module and its group of commands.
COMMANDS = {
    "up": ("api.cli.platform", "up"),
    "plan": ("api.cli.plan", "plan"),
    "fleet": ("api.cli.fleet", "fleet"),
    "patrol": ("api.cli.patrol", "patrol"),
    "watch": ("api.cli.watch", "watch"),
    "replay": ("api.cli.replay", "replay"),
    "links": ("api.cli.links", "links"),
    "doctor": ("api.cli.doctor", "doctor"),
    "backup": ("api.cli.backup", "backup"),
    "gateway": ("api.cli.platform", "gateway"),
    "api": ("api.cli.platform", "api"),
    "sim": ("api.cli.fleets", "sim"),
    "sitl": ("api.cli.fleets", "sitl"),
    "calibrate": ("api.cli.calibrate", "calibrate"),
    "drill": ("api.cli.drill", "drill"),
    "faults": ("api.cli.faults", "faults"),
    "openapi": ("api.cli.info", "openapi"),
    "asyncapi": ("api.cli.info", "asyncapi"),
    "version": ("api.cli.info", "version"),
    "import": ("api.cli.files", "import_file"),
    "export": ("api.cli.files", "export_file"),
    "sortie": ("api.cli.sortie", "app"),
    "zones": ("api.cli.zones", "app"),
    "vehicle": ("api.cli.vehicle", "app"),
    "forward": ("api.cli.forward", "app"),
}


class _Commands(MutableMapping[str, Any]):
    """click's commands by name, each made when somebody looks at it."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _made(name, *COMMANDS[name])
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _made(name: str, module: str, attribute: str) -> Any:
    """The command or the group of commands that `attribute` is."""
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(name)(found)
        found = alone
    return typer.main.get_command(found)


class _Lazy(TyperGroup):
    """A restart of the platform must not wait for the modules of twenty other commands."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return [*COMMANDS]


app = typer.Typer(
    name="bailu",
    cls=_Lazy,
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _common() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


_common.__doc__ = HELP


def main() -> None:
    """The command line. What is imported at the start stays: looking through it for garbage takes a tenth longer.

    Nothing waits long for a look at 10 000 objects (at 50 000 it was 16 ms); the older ones are looked at seldom.
    """
    gc.freeze()
    gc.set_threshold(10_000, 20, 500)
    app()


if __name__ == "__main__":
    main()
