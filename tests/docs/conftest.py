"""The platform in process, for the requests that documents show."""

from tests.api.conftest import world

__all__ = ["world"]
