"""The built console as static files: hashed assets for ever, the page itself always asked for again."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(__file__).resolve().parent.parent / "console" / "dist"
# Vite puts the hash of its content into the name of every file under assets/.
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
READING = ("GET", "HEAD")

NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>白鹭 Bailu</title>
<h1>白鹭 Bailu</h1>
<p>平台正在运行，但控制台尚未构建：在代码目录执行 <code>make run</code> 即可构建并启动。</p>
<p>The platform runs, but its console is not built: <code>make run</code> in the repository builds it.</p>
<p>API: <a href="/openapi.json">/openapi.json</a></p></html>
"""


class ConsoleFiles(StaticFiles):
    """Static files with the cache headers that a hashed build wants."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Raises 404 for what is not there, whatever the method, and 405 for a method that files do not answer."""
        if scope["method"] not in READING:
            await super().get_response(path, {**scope, "method": "HEAD"})
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(READING)})
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOREVER if path.startswith("assets/") else ASK_AGAIN
        return response


def mount(app: FastAPI, dist: Path = DIST) -> None:
    """Serves the console where no route is, or at / a page that says how to build it.

    As what is asked last, not as a route: one that takes every path would answer the API's wrong methods for it.
    """
    if (dist / "index.html").is_file():
        app.router.default = ConsoleFiles(directory=dist, html=True)
        return

    @app.get("/", include_in_schema=False)
    async def not_built() -> HTMLResponse:
        return HTMLResponse(NOT_BUILT, headers={"Cache-Control": ASK_AGAIN})
