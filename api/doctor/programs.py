"""What comes with the platform or beside it: the console, terrain, ArduPilot SITL."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from adapters.terrain import TileFolder
from api.console import DIST
from api.doctor.finding import Finding, Patient, failure, good, warning
from core.errors import TerrainUnusable
from simulator.sitl import SitlNotFound, find_binary

_SITL_WITHIN_S = 5.0
_VERSION = re.compile(rb"Ardu(?:Copter|Plane|Rover) V[0-9][0-9A-Za-z.\-]{2,30}")


def console(_: Patient) -> Iterator[Finding]:
    yield from built(DIST)


def built(folder: Path) -> Iterator[Finding]:
    """The console, and the map that it draws."""
    if not (folder / "index.html").is_file():
        yield warning("console", "it is not built: / shows a page that says so", "make run builds it.")
        return
    yield good("console", "built")
    yield good(
        "basemap", "the district's schematic one: comes with the console, needs no network, key or attribution"
    )


def terrain(patient: Patient) -> Iterator[Finding]:
    folder = patient.settings.terrain_dir
    if folder is None:
        yield warning(
            "terrain", "the district's schematic plane stands for the ground",
            "Set terrain_dir to a folder of elevation tiles before anything real flies.",
        )  # fmt: skip
        return
    try:
        TileFolder(folder).open()
    except TerrainUnusable as error:
        yield failure("terrain", error.detail, "Correct terrain_dir or put the tiles there.")
    else:
        yield good("terrain", f"tiles in {folder}")


def sitl(patient: Patient) -> Iterator[Finding]:
    """ArduPilot SITL is for trying out: a platform needs none, but one that is named must start."""
    try:
        binary = find_binary(patient.environ)
    except SitlNotFound as error:
        named = "BAILU_SITL_BINARY" in patient.environ
        make = failure if named else warning
        yield make("sitl", "there is none: `bailu up --sitl` cannot be used" if not named else str(error), str(error))
        return
    yield from started(binary)


def started(binary: Path) -> Iterator[Finding]:
    """Whether it starts, for as long as it takes to print its help; in an empty folder, for it makes files."""
    remedy = "chmod +x it, or take a build for this machine from firmware.ardupilot.org."
    try:
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(
                [binary.absolute(), "--help"], cwd=empty, capture_output=True, timeout=_SITL_WITHIN_S, check=False
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = getattr(error, "strerror", None) or f"no answer within {_SITL_WITHIN_S:g} s"
        yield failure("sitl", f"{binary} does not start ({why})", remedy)
        return
    if b"--speedup" not in done.stdout + done.stderr:
        yield failure("sitl", f"{binary} is no ArduPilot SITL", remedy)
        return
    version = _VERSION.search(binary.read_bytes())
    yield good("sitl", f"{binary} starts, {version[0].decode() if version else 'of an unknown version'}")
