"""HTTP push: CloudEvents in batches, signed as the Standard Webhooks specification has it.

Sources: CloudEvents HTTP binding 1.0.2, section 3.3 (batches); standard-webhooks.com specification 1.0.0 (headers
`webhook-id`, `webhook-timestamp`, `webhook-signature`); RFC 9110, section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

import httpx

from adapters.forwarding.doors import Door, Doors
from adapters.forwarding.failures import away
from operations.forwarding.ports import Item, ItemsRefused, TargetAway
from operations.forwarding.rules import Rule, Secrets

MEDIA_TYPE = "application/cloudevents-batch+json; charset=utf-8"
TIMEOUT_S = 15.0
KEY_PREFIX = "whsec_"
# The request as it is will never be taken: what it says is wrong, or too long. Everything else may be mended.
_REFUSED = frozenset({400, 409, 413, 422})


class HttpSession:
    """Pushes to one address. A batch is taken when the answer is 2xx; its body is not read."""

    proves = False

    def __init__(self, client: httpx.AsyncClient, rule: Rule, secrets: Secrets, door: Door) -> None:
        self._client = client
        self._door = door
        self._secrets = secrets
        self._url = _pinned(rule.target.url, door)
        # The name is in the header and the certificate, the address that was looked at in the URL.
        self._extensions = {"sni_hostname": door.host} if door.is_secure else {}

    async def send(self, items: Sequence[Item]) -> None:
        body = b"[" + b",".join(item.body for item in items) + b"]"
        headers = {"content-type": MEDIA_TYPE, "host": self._door.authority, **self._signed(body)}
        if self._secrets.token:
            headers["authorization"] = f"Bearer {self._secrets.token}"
        request = self._client.build_request(
            "POST", self._url, content=body, headers=headers, extensions=dict(self._extensions)
        )
        try:
            response = await self._client.send(request, stream=True)
            await response.aclose()
        except httpx.HTTPError as error:
            raise away(error) from error
        _judge(response)

    def _signed(self, body: bytes) -> dict[str, str]:
        """The signature with the id of the batch: the same events in the same batch have the same id."""
        if self._secrets.signing_key is None:
            return {}
        batch_id = f"batch-{hashlib.sha256(body).hexdigest()[:32]}"
        at = str(int(time.time()))
        return {
            "webhook-id": batch_id,
            "webhook-timestamp": at,
            "webhook-signature": signature(self._secrets.signing_key, batch_id, at, body),
        }

    async def gone(self) -> None:
        await asyncio.Event().wait()


def signature(key: str, batch_id: str, at: str, body: bytes) -> str:
    """HMAC-SHA256 over `id.timestamp.body`. `key`: `whsec_` and base64, or any other text as it is."""
    signed = b".".join((batch_id.encode(), at.encode(), body))
    return "v1," + base64.b64encode(hmac.new(_key_bytes(key), signed, hashlib.sha256).digest()).decode()


def _key_bytes(key: str) -> bytes:
    if key.startswith(KEY_PREFIX):
        try:
            return base64.b64decode(key.removeprefix(KEY_PREFIX), validate=True)
        except binascii.Error:
            pass
    return key.encode()


def _judge(response: httpx.Response) -> None:
    """Returns for 2xx. Redirections are not followed: they would lead where nobody looked."""
    status = response.status_code
    if response.is_success:
        return
    said = f"HTTP {status} {response.reason_phrase}".strip()
    if status in _REFUSED:
        raise ItemsRefused(said)
    raise TargetAway(said, retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)))


def retry_after_s(text: str | None, now: datetime) -> float:
    """Seconds that a Retry-After asks for, given as such or as a date; 0 without one or with nonsense."""
    if text is None:
        return 0.0
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())


def _pinned(url: str, door: Door) -> str:
    parts = urlsplit(url)
    address = f"[{door.address}]" if ":" in door.address else door.address
    return urlunsplit((parts.scheme, f"{address}:{door.port}", parts.path or "/", parts.query, ""))


@asynccontextmanager
async def http_session(rule: Rule, secrets: Secrets, doors: Doors) -> AsyncIterator[HttpSession]:
    """The `Session` of a rule of kind http; the name is looked up anew with each."""
    door = await doors.door(rule.target.url)
    # Servers close a connection that is idle for 5 s or more: we go first, or a request meets a closed one.
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=3.0)
    async with httpx.AsyncClient(
        verify=door.tls, timeout=TIMEOUT_S, limits=limits, trust_env=False, follow_redirects=False
    ) as client:
        yield HttpSession(client, rule, secrets, door)
