"""`bailu faults`: a bad link between any two programs, run by hand and changed while it runs."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from api.cli.text import err, fail, plainly
from api.runtime import run, until_first
from api.stopping import stop_signal
from simulator.faults.impairment import PERFECT, Faults
from simulator.faults.line import Direction, LinkFaults
from simulator.faults.tcp import TcpProxy
from simulator.faults.udp import UdpProxy
from simulator.faults.words import MEMBERS, with_words

Proxy = UdpProxy | TcpProxy
_HELP = (
    "Type NAME VALUE (such as: loss 30%, cut true, delay 1s:0), heal, rebind (UDP: a new source port), "
    "close or reset (TCP: end the connections), or counts."
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`udp:HOST:PORT` or `tcp:HOST:PORT`."""

    scheme: str
    address: tuple[str, int]


def parse_endpoint(text: str) -> Endpoint:
    """Raises typer.BadParameter."""
    scheme, _, rest = text.partition(":")
    host, _, port = rest.rpartition(":")
    if scheme not in ("udp", "tcp") or not host or not port.isdigit() or int(port) > 65_535:
        raise typer.BadParameter(f"{text!r} is neither udp:HOST:PORT nor tcp:HOST:PORT")
    return Endpoint(scheme, (host.strip("[]"), int(port)))


def with_both_ways(faults: LinkFaults, word: str, text: str) -> LinkFaults:
    """One fault exchanged; `A:B` is A forth and B back. Raises ValueError."""
    there, colon, back = text.partition(":")
    forth = _with_word(faults.forth, word, there)
    return LinkFaults(forth, _with_word(faults.back, word, back if colon else there))


def _with_word(faults: Faults, word: str, text: str) -> Faults:
    value: object = text
    if word == "cut":
        value = {"true": True, "false": False}.get(text, text)
    elif word == "drop_messages":
        value = [int(each) if each.isdigit() else each for each in text.split(",") if each]
    elif word == "loss_burst":
        value = float(text) if text.replace(".", "", 1).isdigit() else text
    return with_words(faults, {word: value})


Listen = Annotated[str, typer.Option("--listen", metavar="URL", help="udp:HOST:PORT or tcp:HOST:PORT; port 0: any.")]
Target = Annotated[str, typer.Option("--to", metavar="URL", help="Where clients of the link are passed on to.")]


def _told(about: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(metavar="VALUE", help=about, show_default=False)
    return option


@plainly
def faults(
    *,
    listen: Listen,
    to: Target,
    seed: Annotated[int, typer.Option("--seed", help="The same seed loses the same datagrams.")] = 1,
    loss: Annotated[
        str, _told("Share lost, as 30% or 0.3; 30%:10% is 30% forth, 10% back, as for all of these.")
    ] = "",
    loss_burst: Annotated[str, _told("Datagrams lost in a row on average.")] = "",
    delay: Annotated[str, _told("As 50ms or 1.5s.")] = "",
    jitter: Annotated[str, _told("Up to so much more delay, evenly spread.")] = "",
    reorder: Annotated[str, _told("Share held back, so that others overtake.")] = "",
    duplicate: Annotated[str, _told("Share that arrives twice.")] = "",
    truncate: Annotated[str, _told("Share that loses its end.")] = "",
    corrupt: Annotated[str, _told("Share with one flipped bit.")] = "",
    rate: Annotated[str, _told("As 57.6kbit/s or 8kB/s.")] = "",
    drop_messages: Annotated[str, _told("MAVLink message ids that do not pass, as 76,77.")] = "",
) -> None:
    """Put a bad link between two programs, such as a vehicle and a ground station; it is changed by typing.

    Forth is from whoever connects to --listen to --to. The n-th client meets the same faults with the same seed.
    """
    given = {
        "loss": loss, "loss_burst": loss_burst, "delay": delay, "jitter": jitter, "reorder": reorder,
        "duplicate": duplicate, "truncate": truncate, "corrupt": corrupt, "rate": rate,
        "drop_messages": drop_messages,
    }  # fmt: skip
    wanted = LinkFaults()
    try:
        for word, text in given.items():
            wanted = with_both_ways(wanted, word, text) if text else wanted
    except ValueError as error:
        raise fail(f"--{str(error).replace('_', '-', 1)}.") from None
    run(lambda: _faults(parse_endpoint(listen), parse_endpoint(to), seed, wanted))


async def _faults(listen: Endpoint, to: Endpoint, seed: int, wanted: LinkFaults) -> None:
    if listen.scheme != to.scheme:
        raise fail(f"--listen is {listen.scheme} and --to is {to.scheme}: the proxy does not translate.")
    make: type[Proxy] = UdpProxy if listen.scheme == "udp" else TcpProxy
    proxy = make(to.address, seed=seed, faults=wanted)
    try:
        host, port = await proxy.open(listen.address)
    except OSError as error:
        raise fail(f"{listen.scheme} {listen.address[0]}:{listen.address[1]}: {error.strerror or error}") from None
    err.print(f"{listen.scheme} {host}:{port} → {to.address[0]}:{to.address[1]}. {_HELP}", markup=False)
    stop = stop_signal()
    try:
        await until_first(stop.wait(), _Console(proxy, wanted).listen())
    finally:
        err.print(_counts(proxy), markup=False)
        await proxy.close()


class _Console:
    """What is typed while the link is there."""

    def __init__(self, proxy: Proxy, faults: LinkFaults) -> None:
        self._proxy = proxy
        self._faults = faults

    async def listen(self) -> None:
        """For ever, also when nobody can type any more."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            if words := line.decode(errors="replace").split():
                err.print(self.told(words), markup=False)
        await asyncio.Event().wait()

    def told(self, words: list[str]) -> str:
        """Does what was typed; the answer."""
        match words:
            case ["heal"]:
                self._set(LinkFaults(PERFECT, PERFECT))
            case ["rebind"] if isinstance(self._proxy, UdpProxy):
                self._proxy.rebind()
            case ["close" | "reset" as how] if isinstance(self._proxy, TcpProxy):
                self._proxy.end_connections(reset=how == "reset")
            case ["counts"]:
                return _counts(self._proxy)
            case [word, value] if word in MEMBERS:
                try:
                    self._set(with_both_ways(self._faults, word, value))
                except ValueError as error:
                    return str(error)
            case _:
                return _HELP
        return "done"

    def _set(self, faults: LinkFaults) -> None:
        self._faults = faults
        self._proxy.set(faults)


def _counts(proxy: Proxy) -> str:
    """Both ways in one line each."""
    lines = [f"{len(proxy.lines)} clients"]
    for way in Direction:
        counts = proxy.counts(way)
        lines.append(f"{way}: " + (", ".join(f"{what} {counts[what]}" for what in sorted(counts)) or "nothing yet"))
    return "\n".join(lines)
