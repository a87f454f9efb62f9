"""Why a target cannot be had, in words for people: libraries hide the system's reason, or show its number."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from operations.forwarding.ports import TargetAway


def away(error: BaseException) -> TargetAway:
    """The system's own reason when there is one below `error`, and else what `error` says, or its name."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return TargetAway(f"its certificate is not accepted: {each.verify_message}")
        if isinstance(each, OSError) and not isinstance(each, ssl.SSLError) and each.errno is not None:
            return TargetAway(os.strerror(each.errno) if each.errno > 0 else each.strerror or str(each))
    return TargetAway(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
