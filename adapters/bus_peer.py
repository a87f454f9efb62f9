"""One end of a bus connection: what waits to be written, and the questions that wait for an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from adapters.bus_frames import (
    Ask,
    Encoded,
    Failure,
    Frame,
    FrameError,
    Message,
    Publish,
    Reply,
    decode_failure,
    pack,
    read_frame,
)
from core.errors import GatewayUnavailable, Overloaded

# Published messages that may wait for a slow far end; then the oldest go.
NEWS_BOUND = 256
# Questions, answers and subscriptions; a far end that lets so many wait is not alive.
TALK_BOUND = 1_024


class Peer:
    """A connected far end. Published messages are lost to a slow one and counted; it never blocks anybody."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._talk: deque[Frame] = deque()
        self._news: deque[Message | Publish] = deque(maxlen=NEWS_BOUND)
        self._ready = asyncio.Event()
        self._asked: dict[int, tuple[str, asyncio.Future[Encoded]]] = {}
        self._last_id = 0
        self.dropped = 0

    def send(self, frame: Frame) -> None:
        """Queues a frame that must arrive while the connection lives. Raises Overloaded."""
        if len(self._talk) >= TALK_BOUND:
            self._writer.transport.abort()
            raise Overloaded("The far end of the bus does not read")
        self._talk.append(frame)
        self._ready.set()

    def post(self, message: Message | Publish) -> None:
        """Queues a published message; a full queue drops its oldest."""
        if len(self._news) == NEWS_BOUND:
            self.dropped += 1
        self._news.append(message)
        self._ready.set()

    async def ask(self, subject: str, message: Encoded) -> Encoded:
        """Raises what the far end's handler raised, and GatewayUnavailable when the connection ends first."""
        self._last_id += 1
        ask_id = self._last_id
        answer: asyncio.Future[Encoded] = asyncio.get_running_loop().create_future()
        self._asked[ask_id] = (subject, answer)
        try:
            self.send(Ask(ask_id, subject, message.kind, message.body))
            return await answer
        finally:
            del self._asked[ask_id]

    def answered(self, frame: Reply | Failure) -> None:
        """Hands an answer to its asker; one who has given up is not there any more."""
        _, answer = self._asked.get(frame.id, ("", None))
        if answer is None or answer.done():
            return
        if isinstance(frame, Failure):
            answer.set_exception(decode_failure(frame))
        else:
            answer.set_result(Encoded(frame.kind, frame.body))

    async def run(self, handle: Callable[[Frame], None]) -> None:
        """Reads into `handle` and writes what waits until the connection ends, for whatever reason."""
        writing = asyncio.create_task(self._write(), name="bus-writer")
        reading = asyncio.create_task(self._read(handle), name="bus-reader")
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Before anything is awaited: a cancellation may arrive at every await.
            self._writer.transport.abort()
            self._forsake()
            writing.cancel()
            reading.cancel()
            ended = await asyncio.gather(writing, reading, return_exceptions=True)
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        for result in ended:
            if isinstance(result, Exception) and not isinstance(result, OSError | EOFError | FrameError):
                raise result

    def _forsake(self) -> None:
        for subject, answer in self._asked.values():
            if not answer.done():
                answer.set_exception(GatewayUnavailable(subject))

    async def _read(self, handle: Callable[[Frame], None]) -> None:
        with contextlib.suppress(Overloaded):  # our answers pile up: the connection was cut
            while True:
                handle(await read_frame(self._reader))

    async def _write(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._talk or self._news:
                if self._writer.is_closing():  # asyncio would drop it; uvloop calls it a defect
                    raise ConnectionResetError("the other side has gone")
                self._writer.write(pack(self._talk.popleft() if self._talk else self._news.popleft()))
                await self._writer.drain()
