"""The door: who may come in from where, and what every answer carries."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from api.guard import refusal
from tests.api.conftest import World


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1:8420", None, True),
        ("localhost:8420", None, True),
        ("LOCALHOST", None, True),
        ("[::1]:8420", None, True),
        ("[::1]", None, True),
        ("127.0.0.1:8420", "http://127.0.0.1:8420", True),
        ("127.0.0.1:8420", "http://127.0.0.1:9999", False),
        ("127.0.0.1:8420", "http://evil.example", False),
        ("127.0.0.1:8420", "null", False),
        ("evil.example:8420", None, False),
        ("evil.example", "http://evil.example", False),
        ("127.0.0.1.evil.example", None, False),
        ("", None, False),
    ],
)
def test_only_loopback_names_and_the_same_origin_come_in(host: str, origin: str | None, allowed: bool) -> None:
    headers = Headers({"host": host} | ({"origin": origin} if origin else {}))
    assert (refusal(headers, "local") is None) is allowed


async def test_a_foreign_site_is_refused_with_a_problem_document(world: World) -> None:
    response = await world.http.post("/plans", json={}, headers={"Origin": "http://evil.example"})
    assert (response.status_code, response.json()["type"]) == (403, "urn:bailu:problem:not-allowed")


async def test_every_answer_keeps_a_page_to_itself(world: World) -> None:
    for path in ("/health", "/nowhere", "http://127.0.0.1/"):
        headers = (await world.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
