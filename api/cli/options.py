"""Options that several commands share, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path | None, typer.Option("--config", help="Settings as TOML.", dir_okay=False)]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where everything is kept. [default: ./data]")]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="HTTP port; 0: any free one. [default: 8420]")
]
Speedup = Annotated[
    float | None, typer.Option("--speedup", min=0.1, max=100, help="Simulated seconds per second. [default: 1]")
]
Sitl = Annotated[bool, typer.Option("--sitl", help="Fly real ArduPilot SITL instead of the built-in simulator.")]
Url = Annotated[str | None, typer.Option("--url", help="A running platform, such as http://127.0.0.1:8420.")]
StateFile = Annotated[Path | None, typer.Option("--state-file", hidden=True)]
WithStdin = Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)]
