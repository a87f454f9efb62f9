"""What is thorough by where it lies: tests with the whole service, a real store or real receivers behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
_WITH_THE_REAL_THING = frozenset({"adapters", "api", "forwarding"})


@pytest.hookimpl(tryfirst=True)  # before markers choose what is run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps `make check` to pure tests."""
    for item in items:
        if item.path.is_relative_to(_TESTS) and item.path.relative_to(_TESTS).parts[0] in _WITH_THE_REAL_THING:
            item.add_marker("thorough")
