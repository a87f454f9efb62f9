"""What a Markdown document says that can be tried: its commands, its links, its tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of a document, by its words; `shown`: it stands in a block to be typed as it is."""

    document: str
    words: tuple[str, ...]
    shown: bool

    def __str__(self) -> str:
        return f"{self.document}: {shlex.join(self.words)}"


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def commands(document: Path) -> Iterator[Command]:
    """The lines of every `sh` block, and every piece of inline code that begins with `bailu` or `make`."""
    text, name = text_of(document), name_of(document)
    for language, block in _FENCED.findall(text):
        if language == "sh":
            yield from (Command(name, words, shown=True) for words in _lines(block))
    for code in _INLINE.findall(_FENCED.sub("", text)):
        words = tuple(shlex.split(code, comments=True)) if code.startswith(("bailu ", "make ")) else ()
        if words:
            yield Command(name, words, shown=False)


def _lines(block: str) -> Iterator[tuple[str, ...]]:
    for line in block.replace("\\\n", " ").splitlines():
        words = tuple(shlex.split(line, comments=True))
        if words:
            yield words


def links(document: Path) -> Iterator[str]:
    """Links and pictures that lead to other files of the repository."""
    for found in _LINK.findall(text_of(document)):
        target = (found[0] or found[1]).partition("#")[0]
        if target and "://" not in target:
            yield target


def blocks(document: Path) -> list[tuple[str, str]]:
    """Fenced blocks as language and text without comments."""
    return [
        (language, re.sub(r"\s*#.*", "", block) if language in ("sh", "toml") else block)
        for language, block in _FENCED.findall(text_of(document))
    ]


def first_cells(document: Path, heading: str) -> list[str]:
    """The first cell of each row of the tables below `heading`, without backquotes; up to the next heading."""
    _, found, rest = f"\n{text_of(document)}".partition(f"\n{heading}\n")
    assert found, f"{name_of(document)} has no heading {heading!r}"
    section = re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("|").split("|")[0].strip() for line in section.splitlines() if line.startswith("|")]
    return [row.replace("`", "") for row in rows if row and set(row) - set("-: ")][1:]
