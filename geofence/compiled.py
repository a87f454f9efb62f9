"""Plain functions over arrays as machine code: compiled at first use, and kept on disk where that can be written.

Importing it costs a quarter of a second, for it imports numba: only what is about to compute much does so.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import caching

F = TypeVar("F", bound=Callable[..., object])

_NUMBERS = (int, float, np.generic)
_FunctionCache: Any = caching.FunctionCache  # it has no types


class _Kept(_FunctionCache):  # type: ignore[misc]
    """What is kept on disk; what cannot be read (of another version, cut off) or written is as if there were none.

    It is of the module's numbers as well, for they are part of the machine code, wherever they were imported from.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)
        self._of = function.__globals__

    def _index_key(self, sig: object, codegen: object) -> object:
        numbers = sorted((name, repr(value)) for name, value in self._of.items() if isinstance(value, _NUMBERS))
        return super()._index_key(sig, codegen), tuple(numbers)

    def load_overload(self, sig: object, target_context: object) -> object:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 — it is pickled: what is stale can fail in any way
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: object, data: object) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)


def compiled(function: F) -> F:
    """The function as machine code; compiled anew in each process where no folder for it can be written."""
    made: Any = numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)
    with suppress(RuntimeError):  # numba found no such folder
        made._cache = _Kept(function)
    return cast(F, made)
