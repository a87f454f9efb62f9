"""What is thorough by where it lies, and properties that no busy machine makes fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is the benches' business.
settings.register_profile("bailu", deadline=None)
settings.load_profile("bailu")

_TESTS = Path(__file__).parent
# With the whole service, a real store or real receivers behind them.
_WITH_THE_REAL_THING = frozenset({"adapters", "api", "forwarding"})


@pytest.hookimpl(tryfirst=True)  # before markers choose what is run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps `make check` to pure tests."""
    for item in items:
        if item.path.is_relative_to(_TESTS) and item.path.relative_to(_TESTS).parts[0] in _WITH_THE_REAL_THING:
            item.add_marker("thorough")
