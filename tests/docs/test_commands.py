"""Documents are executed: what they tell a reader to type works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from api.cli.main import app
from tests.api.conftest import World
from tests.docs.reading import DOCUMENTS, ROOT, Command, commands

pytestmark = pytest.mark.thorough

# Each once, however many documents show it.
COMMANDS = tuple({(each.words, each.shown): each for document in DOCUMENTS for each in commands(document)}.values())
# These neither listen nor fly: they are run. Of the others the words are read as the program would read them.
RUN = ("plan", "fleet", "import", "export", "version")
BENCHES = re.findall(r'"([a-z]+)": ', (ROOT / "bench" / "__main__.py").read_text(encoding="utf-8"))
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
SHELL = ((".", ".venv/bin/activate"),)
SERVER = "http://127.0.0.1:8420"


def named(program: str) -> list[Command]:
    return [each for each in COMMANDS if each.words[0] == program]


def test_every_command_of_a_document_is_one_that_can_be_tried() -> None:
    known = {"bailu", "make", "curl"}
    assert [str(each) for each in COMMANDS if each.words[0] not in known and each.words not in SHELL] == []


def test_documents_tell_commands() -> None:
    assert {"plan", "import", "export", "patrol", "zones"} <= {each.words[1] for each in named("bailu")}


@pytest.mark.parametrize("command", named("make"), ids=str)
def test_a_make_target_exists(command: Command) -> None:
    for word in command.words[1:]:
        name, told, bench = word.partition("=")
        assert (bench in (*BENCHES, "all") and name == "NAME") if told else word in TARGETS


@pytest.mark.parametrize("command", named("bailu"), ids=str)
def test_a_bailu_command_is_understood_and_does_what_the_document_says(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are read from here and written into a folder of the test's own."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    words = command.words[1:]
    runnable = words[0] in RUN and not any(word.isupper() for word in words)
    if runnable and (command.shown or len(words) > 1):
        told = CliRunner().invoke(app, list(words))
        assert told.exit_code == (2 if "examples/bad/" in " ".join(words) else 0), told.output
    elif not {"--help"} & set(words):
        understood(words, whole=command.shown)


def understood(words: tuple[str, ...], *, whole: bool) -> None:
    """Reads `words` as the program does, without doing anything. A mere mention may leave out what is needed."""
    known: Any = typer.main.get_command(app)
    while hasattr(known, "commands"):
        assert words[0] in known.commands, f"there is no command {words[0]!r}"
        known, words = known.commands[words[0]], words[1:]
        if not words and not whole:
            return
    known.make_context("bailu", list(words), resilient_parsing=not whole)


@pytest.mark.parametrize(
    "wrong", ["bailu fly", "bailu zones paint", "bailu plan FILE --colour red", "bailu sim --count 0"]
)
def test_a_command_that_does_not_exist_would_be_found(wrong: str) -> None:
    with pytest.raises(Exception, match=r"no command|No such option|greater than or equal"):
        understood(tuple(wrong.split()[1:]), whole=True)


@pytest.mark.parametrize("command", named("curl"), ids=str)
async def test_a_request_is_answered(command: Command, world: World) -> None:
    asked = Asked(command.words[1:])
    assert asked.url.startswith(SERVER)
    answer = await world.http.request(asked.method, asked.url, content=asked.body, headers=asked.headers)
    assert answer.status_code < 300, answer.text


class Asked:
    """What a `curl` command line asks for; options that it does not know fail the test."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self.url, self.body, self.headers, method = "", None, {}, ""
        rest = list(words)
        while rest:
            match rest.pop(0):
                case "-s" | "-f" | "-sf":
                    pass
                case "-X":
                    method = rest.pop(0)
                case "-o":
                    rest.pop(0)
                case "-H":
                    name, _, value = rest.pop(0).partition(":")
                    self.headers[name] = value.strip()
                case "-d" | "--data-binary":
                    self.body = (ROOT / rest.pop(0).removeprefix("@")).read_bytes()
                case url:
                    assert not url.startswith("-"), f"curl {url} is not known here"
                    self.url = url
        self.method = method or ("POST" if self.body is not None else "GET")
