"""Logs of the platform's roles: structlog words what the standard loggers say, as JSON lines or for a terminal."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.contextvars import merge_contextvars
from structlog.types import EventDict, Processor, WrappedLogger

from api.settings import LogSetting

HIDDEN = "***"
# What the platform says of itself is told whatever the level: where it is reached, that it stops.
_PLATFORM = "bailu.platform"
_SECRET_NAME = re.compile(r"key|token|secret|passw|authorization|cookie|credential", re.IGNORECASE)
_NOISE = frozenset({"color_message"})  # uvicorn's own wording for terminals
_PUBLIC_NAMES = frozenset({"idempotency_key"})
# A 32-byte key in hexadecimal, and a hash as well: eight digits tell hashes apart and no key.
_HEX = re.compile(r"\b([0-9a-fA-F]{8})[0-9a-fA-F]{56}\b")
_BYTES = re.compile(
    r"""\bb(['"])(?:\\.|(?!\1).)*\1"""
)  # as Python shows them: nobody reads them, and a key may be among them
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s@:]*:[^/\s@]*@", re.IGNORECASE)
_NAMED = re.compile(
    r"""(\b(?:bearer|basic)\s+|\b[\w-]*(?:token|secret|passw(?:or)?d|signing.key|api.key)["']?\s*[=:]\s*["']?)[^\s"',;&]+""",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def configure(setting: LogSetting, stream: TextIO | None = None) -> None:
    """Sends every logger's lines to `stream`, the standard error stream by default."""
    out = stream or sys.stderr
    as_json = setting.format == "json" or (setting.format == "auto" and not out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(as_json=as_json, colors=out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(setting.level.upper())
    logging.getLogger(_PLATFORM).setLevel(logging.INFO)
    logging.captureWarnings(True)


def say(sentence: str) -> None:
    """What whoever started the platform should read."""
    logging.getLogger(_PLATFORM).info("%s", sentence)


def _formatter(*, as_json: bool, colors: bool) -> structlog.stdlib.ProcessorFormatter:
    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Text after the traceback is in it: a secret may stand there, and JSON escapes its line ends.
    last: list[Processor] = (
        [structlog.processors.format_exc_info, without_secrets, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [without_secrets, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_traceback)]
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, *last])


def _traceback(out: TextIO, info: Any) -> None:
    structlog.dev.plain_traceback(_Censored(out), info)  # type: ignore[arg-type]


class _Censored:
    """A text stream that lets no secret through."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write("\n".join(map(censored, text.split("\n"))))


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hides what is named like a secret or looks like one; control characters are told, not carried out."""
    return {name: _shown(name, value) for name, value in event.items() if name not in _NOISE}


def _shown(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name) and name not in _PUBLIC_NAMES:
        return HIDDEN
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return {key: _shown(str(key), each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown("", each) for each in value]
    if value is None or isinstance(value, bool | int | float) or name == "exc_info":
        return value
    text = str(value)
    return "\n".join(map(censored, text.split("\n"))) if name == "exception" else censored(text)


def censored(text: str) -> str:
    """One line of text as it may stand in a log."""
    text = _NAMED.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1{HIDDEN}@", _HEX.sub(r"\1…", _BYTES.sub("b'…'", text))))
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
