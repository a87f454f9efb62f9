"""A client of the public API: what `bailu patrol` and `bailu watch` know of a platform, and nothing more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx

from telemetry.client import LiveStream, Subscribe

TIMEOUT_S = 70.0

Json = dict[str, Any]


class PlatformError(Exception):
    """The platform refused or cannot be reached; `problem` is its document when it gave one."""

    def __init__(self, sentence: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.problem = dict(problem or {})


class Platform:
    """A platform at a URL such as http://127.0.0.1:8420."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.netloc:
            raise PlatformError(f"{url!r} is not the address of a platform, such as http://127.0.0.1:8420")
        self.url = f"http://{parts.netloc}"
        self._stream_url = f"ws://{parts.netloc}/api/v1/stream"
        self._http = httpx.AsyncClient(base_url=f"{self.url}/api/v1", timeout=TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> dict[str, Any]:
        """Raises PlatformError."""
        return await self._call("GET", path)

    async def post(
        self, path: str, body: object, headers: Mapping[str, str] | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """Raises PlatformError."""
        return await self._call("POST", path, json=body, headers=headers, timeout=timeout_s)

    async def call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Any other method; {} where the answer has no body. Raises PlatformError."""
        return await self._call(method, path, json=body, headers=headers)

    async def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **more)
            body = response.json() if response.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise PlatformError(f"{self.url} does not answer: {str(error) or type(error).__name__}") from error
        if response.is_error:
            raise PlatformError(str(body.get("detail", response.reason_phrase)), body)
        assert isinstance(body, dict)
        return body

    async def download(self, path: str, to: Path) -> int:
        """Writes what is answered into a file as it comes, and gives its size. Raises PlatformError and OSError."""
        try:
            async with self._http.stream("GET", path) as response:
                if response.is_error:
                    body = json.loads(await response.aread())
                    raise PlatformError(str(body.get("detail", response.reason_phrase)), body)
                with to.open("wb") as file:
                    async for data in response.aiter_bytes():
                        file.write(data)
                    return file.tell()
        except (httpx.HTTPError, ValueError) as error:
            raise PlatformError(f"{self.url} does not answer: {str(error) or type(error).__name__}") from error

    async def frames(
        self, *, vehicles: Literal["*"] | list[str] = "*", rate_hz: float = 5.0, replay: str | None = None
    ) -> AsyncIterator[Json]:
        """The stream's frames for ever; a lost connection is made again, and yields a `{"type": "lost"}` frame.

        Raises PlatformError when the platform refuses what was asked.
        """
        url = self._stream_url if replay is None else f"{self._stream_url}?replay={replay}"
        stream = LiveStream(url, Subscribe(vehicles=vehicles, rate_hz=rate_hz))
        async for frame in stream.frames():
            if frame["type"] == "bye" and frame["retry_after_s"] is None:
                raise PlatformError(str(frame["problem"]["detail"]), frame["problem"])
            yield frame
