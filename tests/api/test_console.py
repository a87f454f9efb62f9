"""The built console: hashed assets are kept, the page is asked for again, the API stays where it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api import console
from api.main import bare_app


@pytest.fixture
def http(tmp_path: Path) -> httpx.AsyncClient:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>白鹭")
    (tmp_path / "assets" / "index-abc123.js").write_text("1")
    app = bare_app()
    console.mount(app, tmp_path)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def test_the_page_is_asked_for_again_and_hashed_assets_are_not(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert (page.text, page.headers["cache-control"]) == ("<!doctype html>白鹭", "no-cache")
    asset = await http.get("/assets/index-abc123.js")
    assert "immutable" in asset.headers["cache-control"]
    unchanged = await http.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert unchanged.status_code == 304


async def test_the_api_and_what_is_missing_stay_themselves(http: httpx.AsyncClient) -> None:
    assert (await http.get("/openapi.json")).json()["openapi"].startswith("3.1")
    for path in ("/nope", "/api/v1/nope", "/../pyproject.toml", "/assets/..%2f..%2fx"):
        missing = await http.get(path)
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


@pytest.fixture(params=[True, False], ids=["built", "not built"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The application with its console, and without."""
    if request.param:
        (tmp_path / "index.html").write_text("<!doctype html>")
    app = bare_app()
    console.mount(app, tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        yield http


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/missions", {"GET", "POST"}),
        ("POST", "/api/v1/replays/replay-1", {"GET", "PATCH", "DELETE"}),
        ("DELETE", "/api/v1/health", {"GET"}),
        ("GET", "/api/v1/plans", {"POST"}),
    ],
)
async def test_a_wrong_method_is_told_all_that_the_address_answers_with_a_console_and_without(
    either: httpx.AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    refused = await either.request(method, path)
    assert (refused.status_code, refused.json()["type"]) == (405, "urn:bailu:problem:method-not-allowed")
    assert set(refused.headers["allow"].split(", ")) == allowed


async def test_what_is_nowhere_is_not_found_by_any_method_with_a_console_and_without(
    either: httpx.AsyncClient,
) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        for path in ("/nowhere", "/api/v1/nowhere"):
            missing = await either.request(method, path)
            assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
    page = await either.post("/")
    assert (page.status_code, "GET" in page.headers["allow"]) == (405, True)


async def test_without_a_built_console_a_page_says_how_to_build_it(tmp_path: Path) -> None:
    app = bare_app()
    console.mount(app, tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        page = await http.get("/")
    assert "make run" in page.text
    assert page.headers["cache-control"] == "no-cache"
