"""`bailu backup`: the data folder into another one, while the platform runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from api.backup import backed_up
from api.cli.options import Config, DataDir
from api.cli.text import err, out, plainly
from api.settings import load


@plainly
def backup(
    target: Annotated[Path, typer.Argument(help="A new folder.")],
    config: Config = None,
    data_dir: DataDir = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="The key of the vehicles' signing keys too: keep the copy locked away.")
    ] = False,
) -> None:
    """Copy everything that the platform keeps; it may go on flying meanwhile."""
    settings = load(config, os.environ, data_dir=data_dir)
    for copied in backed_up(settings, target, with_key=with_key):
        out.print(f"{copied.name}  {copied.size_bytes} bytes", highlight=False)
    if not with_key:
        err.print("The key file is not in it: without it the vehicles' signing keys cannot be used (--with-key).")
