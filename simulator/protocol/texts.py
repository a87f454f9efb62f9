"""Status texts on the wire: 50 characters a message, longer ones in numbered chunks."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.protocol.codec import Message, dialect

CHUNK = 50


def status_texts(severity: int, text: str, text_id: int) -> Iterator[Message]:
    """STATUSTEXT messages for one text. ``text_id`` (1..65535) ties the chunks together; short texts have id 0.

    A chunk shorter than 50 bytes ends the text, so a text whose length is a multiple of 50 gets an empty last chunk.
    """
    data = text.encode("utf-8", "replace")
    if len(data) <= CHUNK:
        yield dialect.MAVLink_statustext_message(severity, data, 0, 0)
        return
    for number in range(len(data) // CHUNK + 1):
        part = data[number * CHUNK : (number + 1) * CHUNK]
        yield dialect.MAVLink_statustext_message(severity, part, text_id, number)
