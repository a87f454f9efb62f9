"""Reading bytes that somebody else made: text, JSON, XML and archives, each within bounds that are checked first."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

import msgspec
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from geofence.formats.intake import MOST_BYTES, refusal

# Of JSON: a position is one bracket and one or two commas, so that these hold `MOST_VERTICES` and all around them.
MOST_OBJECTS, MOST_ARRAYS, MOST_COMMAS = 100_000, 400_000, 1_200_000
MOST_JSON_DEPTH = 64
# Of XML.
MOST_ELEMENTS, MOST_XML_DEPTH, MOST_ATTRIBUTES = 150_000, 64, 50
# Of archives. Deflate reaches 1:1032; real KML is packed 1:3 to 1:30.
MOST_MEMBERS, MOST_RATIO, SMALL_MEMBER = 200, 150, 1 << 20
_CENTRAL_HEADER = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_BROKEN_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, KeyError,
    NotImplementedError,
)  # fmt: skip
LONGEST_TAG = 1 << 16
# Encodings that a declaration may name, by what Python calls them; a byte order mark comes before any declaration.
_DECLARED = re.compile(rb"""^<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_CODECS = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "utf-16": "utf-16", "iso-8859-1": "latin-1",
    "windows-1252": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030",
}  # fmt: skip
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def check_size(data: bytes) -> None:
    """Raises InvalidRequest for an empty file and one that is larger than `MOST_BYTES`."""
    if len(data) > MOST_BYTES:
        raise refusal("", f"the file has {len(data)} bytes; at most {MOST_BYTES} are read")
    if not data.strip():
        raise refusal("", "the file is empty")


def text_of(data: bytes) -> str:
    """Text in UTF-8, a byte order mark left out; bytes that are none become U+FFFD, which no number contains."""
    check_size(data)
    return data.decode("utf-8-sig", errors="replace")


def json_of(data: bytes) -> Any:
    """A decoded JSON text (RFC 8259: UTF-8, no NaN). Raises InvalidRequest."""
    check_size(data)
    data = data.removeprefix(b"\xef\xbb\xbf")
    for mark, most in ((b"{", MOST_OBJECTS), (b"[", MOST_ARRAYS), (b",", MOST_COMMAS)):
        if (count := data.count(mark)) > most:
            raise refusal("", f"the file has {count} times {mark.decode()!r}; at most {most} are read")
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusal("", f"not JSON: {error}") from error
    except RecursionError as error:
        raise refusal("", "not readable: nested too deeply") from error
    if _is_deep(found):
        raise refusal("", f"nested more than {MOST_JSON_DEPTH} levels deep")
    return found


def _is_deep(value: object) -> bool:
    """Level by level and without recursion."""
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(MOST_JSON_DEPTH):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, list | dict)
        ]
    return bool(level)


@dataclass(slots=True)
class Element:
    """An XML element: `tag` without namespace, `text` before its first child, all of its children."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """The children of that name."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> Element | None:
        return next((child for child in self.children if child.tag == tag), None)

    def told(self, tag: str) -> str:
        """The text of the first child of that name, trimmed; "" when there is none."""
        found = self.first(tag)
        return found.text.strip() if found else ""


class _Bounded:
    """Builds elements as the parser meets them and gives up as soon as a bound is passed."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._left = MOST_ELEMENTS

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._left -= 1
        if self._left < 0:
            raise refusal("", f"the file has more than {MOST_ELEMENTS} elements")
        if len(self._open) >= MOST_XML_DEPTH:
            raise refusal("", f"nested more than {MOST_XML_DEPTH} levels deep")
        if len(attributes) > MOST_ATTRIBUTES:
            raise refusal("", f"an element has {len(attributes)} attributes; at most {MOST_ATTRIBUTES} are read")
        element = Element(_local(tag), {_local(name): value for name, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def data(self, text: str) -> None:
        if self._open and not self._open[-1].children:
            self._texts[-1].append(text)

    def end(self, tag: str) -> None:  # noqa: ARG002  (the parser checked that it matches)
        self._open.pop().text = "".join(self._texts.pop())

    def close(self) -> Element | None:
        return self.root


def _local(name: str) -> str:
    """The name without its namespace: real files mix KML 2.0 to 2.2, Google's and none."""
    return name.rpartition("}")[2]


def xml_of(data: bytes) -> Element:
    """The root of an XML text. Document types, entities and references to other files are refused."""
    check_size(data)
    text = _decoded(data)
    _check_tags(text)
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        for start in range(0, len(text), 1 << 16):
            parser.feed(text[start : start + (1 << 16)])
        root = parser.close()
    except DefusedXmlException as error:
        raise refusal("", f"the file has a {_forbidden(error)}, which is not read") from error
    except (ParseError, ValueError, LookupError) as error:
        raise refusal("", f"not XML: {error}") from error
    if not isinstance(root, Element):
        raise refusal("", "not XML: there is no element")
    return root


def _decoded(data: bytes) -> str:
    codec = next((codec for mark, codec in _MARKS if data.startswith(mark)), None)
    if codec is None:
        declared = _DECLARED.match(data[:400].lstrip())
        name = declared[1].decode().lower() if declared else "utf-8"
        codec = _CODECS.get(name)
        if codec is None:
            raise refusal("", f"the encoding {name} is not read; save the file as UTF-8")
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise refusal("", f"not XML: byte {error.start} is not {codec}") from error


def _check_tags(text: str) -> None:
    """Bounds what the parser builds before anybody can stop it: one tag with all of its attributes."""
    # An element has two tags at most; as many comments and sections again are more than any file has.
    if text.count("<") > 4 * MOST_ELEMENTS:
        raise refusal("", f"the file has more than {MOST_ELEMENTS} elements")
    for piece in text.split("<"):
        if len(piece) > LONGEST_TAG and not piece.startswith("!") and piece.find(">", 0, LONGEST_TAG) < 0:
            raise refusal("", f"a tag is longer than {LONGEST_TAG} characters")


def _forbidden(error: DefusedXmlException) -> str:
    kinds = {"DTDForbidden": "document type declaration", "EntitiesForbidden": "entity declaration"}
    return kinds.get(type(error).__name__, "reference to another file")


def open_archive(data: bytes) -> zipfile.ZipFile:
    """A ZIP archive with few members. Raises InvalidRequest."""
    check_size(data)
    # Each member costs a kilobyte before anything is unpacked: counted by their headers, not by what the end says.
    if (members := data.count(_CENTRAL_HEADER)) > MOST_MEMBERS:
        raise refusal("", f"the archive has {members} members; at most {MOST_MEMBERS} are read")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN_ARCHIVE as error:
        raise refusal("", f"not a readable archive: {error}") from error


def member_of(archive: zipfile.ZipFile, name: str) -> bytes:
    """One member, unpacked as far as the bounds allow. Raises InvalidRequest."""
    info = archive.getinfo(name)
    path = f"/{name}"
    if info.flag_bits & _ENCRYPTED:
        raise refusal(path, "the member is encrypted")
    if info.compress_type not in _METHODS:
        raise refusal(path, f"the member is packed by method {info.compress_type}; only stored and deflated are read")
    try:
        with archive.open(info) as stream:
            unpacked = stream.read(MOST_BYTES + 1)
    except _BROKEN_ARCHIVE as error:
        raise refusal(path, f"the member cannot be unpacked: {error}") from error
    if len(unpacked) > max(SMALL_MEMBER, MOST_RATIO * info.compress_size):
        raise refusal(path, f"the member unpacks to more than {MOST_RATIO} times its size")
    if len(unpacked) > MOST_BYTES:
        raise refusal(path, f"the member unpacks to more than {MOST_BYTES} bytes")
    return unpacked
