"""Subjects and patterns by NATS's rules: words joined by dots, `*` for one word, a final `>` for the rest."""

from __future__ import annotations


def matches(pattern: str, subject: str) -> bool:
    """Whether `subject` is one that `pattern` asks for. `>` stands for one word or more."""
    wanted, words = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        return len(words) >= len(wanted) and _same(wanted[:-1], words)
    return len(words) == len(wanted) and _same(wanted, words)


def _same(wanted: list[str], words: list[str]) -> bool:
    return all(want in ("*", word) for want, word in zip(wanted, words, strict=False))


def check_subject(subject: str) -> str:
    """`subject` itself. Raises ValueError for an empty word or a wildcard."""
    if not all(subject.split(".")) or "*" in subject or ">" in subject:
        raise ValueError(f"{subject!r} is not a subject")
    return subject


def check_pattern(pattern: str) -> str:
    """`pattern` itself. Raises ValueError for an empty word, or a wildcard that is not a word of its own or last."""
    *words, last = pattern.split(".")
    ok = all(_is_word(word) for word in words) and (last == ">" or _is_word(last))
    if not ok:
        raise ValueError(f"{pattern!r} is not a pattern of subjects")
    return pattern


def _is_word(word: str) -> bool:
    return word == "*" or (bool(word) and "*" not in word and ">" not in word)
