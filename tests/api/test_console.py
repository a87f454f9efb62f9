"""The built console: hashed assets are kept, the page is asked for again, the API stays where it is."""

from __future__ import annotations

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


async def test_without_a_built_console_a_page_says_how_to_build_it(tmp_path: Path) -> None:
    app = bare_app()
    console.mount(app, tmp_path)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        page = await http.get("/")
    assert "make run" in page.text
    assert page.headers["cache-control"] == "no-cache"
