"""`bailu version` and `bailu openapi`."""

from __future__ import annotations

import json
import sys

from api.main import bare_app
from api.services import bailu_version


def version() -> None:
    """Print the versions of Bailu and Python."""
    print(f"bailu {bailu_version()} · Python {sys.version.split()[0]}")


def openapi() -> None:
    """Print the description of the HTTP API (OpenAPI 3.1)."""
    print(json.dumps(bare_app().openapi(), ensure_ascii=False, indent=2))
