"""Revisions as HTTP tells them: ETag out, If-Match in (RFC 9110, section 8.8.3 and 13.1.1)."""

from __future__ import annotations

from core.errors import FieldError, InvalidRequest


def etag(revision: int) -> str:
    """The revision as an entity tag."""
    return f'"{revision}"'


def revision_of(if_match: str) -> int:
    """The revision in an If-Match header. Raises InvalidRequest."""
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequest((FieldError("", f"If-Match (header): {if_match!r} is not a quoted revision number"),))
    return int(text)
