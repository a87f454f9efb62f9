"""`bailu version`, `bailu openapi` and `bailu asyncapi`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from api.asyncapi import document, for_types
from api.main import bare_app
from api.services import bailu_version


def version() -> None:
    """Print the versions of Bailu and Python."""
    print(f"bailu {bailu_version()} · Python {sys.version.split()[0]}")


def openapi() -> None:
    """Print the description of the HTTP API (OpenAPI 3.1)."""
    print(json.dumps(bare_app().openapi(), ensure_ascii=False, indent=2))


def asyncapi(
    types: Annotated[
        bool, typer.Option("--types", help="The schemas only, as the console's types are made of.")
    ] = False,
) -> None:
    """Print the description of the live stream (AsyncAPI 3.0) as JSON."""
    describe = for_types if types else document
    print(json.dumps(describe(bailu_version()), ensure_ascii=False, indent=2))
