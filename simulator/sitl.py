"""Real ArduCopter SITL processes: found, started with the few parameters a bare copter needs, watched, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from simulator.instances import BASE_PORT, PORT_STRIDE, claimed_instances
from simulator.spec import VehicleSpec, disarm_delay_s

BINARY_VARIABLE = "BAILU_SITL_BINARY"
RC_PORT = 5501
STOP_PATIENCE_S = 3.0
LOG_LINES = 15

FLYABLE: Mapping[str, float] = {
    "FRAME_CLASS": 1,
    "FRAME_TYPE": 0,
    "BATT_MONITOR": 4,
    "INS_ACCOFFS_X": 0.001,
    "INS_ACCOFFS_Y": 0.001,
    "INS_ACCOFFS_Z": 0.001,
    "INS_ACC2OFFS_X": 0.001,
    "INS_ACC2OFFS_Y": 0.001,
    "INS_ACC2OFFS_Z": 0.001,
    "INS_ACCSCAL_X": 1.001,
    "INS_ACCSCAL_Y": 1.001,
    "INS_ACCSCAL_Z": 1.001,
    "INS_ACC2SCAL_X": 1.001,
    "INS_ACC2SCAL_Y": 1.001,
    "INS_ACC2SCAL_Z": 1.001,
}
"""What a bare SITL copter lacks: a frame, a battery monitor, and accelerometers that count as calibrated. Found by
taking parameters away until a copter with none but these still arms and flies."""


class SitlNotFound(RuntimeError):
    """There is no ArduCopter SITL binary."""

    def __init__(self, looked_at: str) -> None:
        super().__init__(
            f"No ArduCopter SITL binary ({looked_at}): set {BINARY_VARIABLE} or put arducopter on PATH; ArduPilot "
            "publishes builds on firmware.ardupilot.org under Copter, <version>, SITL_x86_64_linux_gnu."
        )


class SitlExited(RuntimeError):
    """A SITL process ended on its own."""

    def __init__(self, name: str, status: int, log: str) -> None:
        super().__init__(f"SITL of {name} exited with status {status}; its last lines:\n{log}")
        self.status = status


@dataclass(frozen=True, slots=True)
class SitlProcess:
    """One running SITL: ``tcp_addresses`` are the ports it leaves to other ground stations.

    ``rc_address``: where it takes the positions of a pilot's sticks, as UDP datagrams of 16 pulse widths.
    """

    spec: VehicleSpec
    pid: int
    log: Path
    tcp_addresses: tuple[tuple[str, int], ...]
    rc_address: tuple[str, int]


@dataclass(frozen=True, slots=True)
class SitlFleet:
    """The running SITL processes by system id."""

    processes: Mapping[int, SitlProcess]
    speedup: float


def find_binary(env: Mapping[str, str]) -> Path:
    """The SITL binary named by BAILU_SITL_BINARY, else `arducopter` on PATH. Raises SitlNotFound."""
    named = env.get(BINARY_VARIABLE)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise SitlNotFound(f"{BINARY_VARIABLE} names {named}, which is no file")
        return path
    found = shutil.which("arducopter", path=env.get("PATH", ""))
    if found is None:
        raise SitlNotFound("none on PATH")
    return Path(found)


def defaults_text(spec: VehicleSpec, extra: Mapping[str, float]) -> str:
    """The parameter file of one vehicle: what flying needs, its system id (both names), its wind, the extras."""
    values: dict[str, float] = {
        **FLYABLE,
        "MAV_SYSID": spec.system_id,
        "SYSID_THISMAV": spec.system_id,
        "BATT_CAPACITY": round(spec.battery_wh / 11.1 * 1000.0),
        "SIM_WIND_SPD": spec.wind_mps,
        "SIM_WIND_DIR": spec.wind_from_deg,
        "SIM_WIND_TURB": spec.gust_mps,
        **extra,
    }
    return "".join(f"{name} {value:g}\n" for name, value in values.items())


def command_line(
    binary: Path, spec: VehicleSpec, instance: int, *, speedup: float, udp_target: tuple[str, int], defaults: Path
) -> list[str]:
    """How one SITL is started: serial 0 sends UDP to the target at once, the other serial ports listen on TCP."""
    home = f"{spec.lat_deg:.7f},{spec.lon_deg:.7f},{spec.alt_amsl_m:g},{spec.heading_deg:g}"
    host, port = udp_target
    return [
        str(binary), "--model", "+", "--home", home, "--speedup", f"{speedup:g}", "-I", str(instance),
        "--defaults", str(defaults), "--serial0", f"udpclient:{host}:{port}",
    ]  # fmt: skip


@asynccontextmanager
async def running_sitl_fleet(
    specs: Sequence[VehicleSpec],
    *,
    binary: Path,
    speedup: float = 1.0,
    udp_target: tuple[str, int],
    work_dir: Path,
    extra_params: Mapping[str, float] | None = None,
) -> AsyncIterator[SitlFleet]:
    """Run one SITL per spec while the context lasts, each in a folder of its own below ``work_dir``.

    Instance n leaves TCP 5762 + 10 n and 5763 + 10 n to other ground stations; the numbers are the first that nothing
    else on the machine uses. A process that ends on its own cancels the body and raises SitlExited in its place.
    Leaving the context ends the processes started here and no others. Raises NoInstanceFree.
    """
    program = await asyncio.to_thread(binary.resolve)
    started: list[asyncio.subprocess.Process] = []
    running: dict[int, SitlProcess] = {}
    claims = contextlib.ExitStack()
    extras = {"DISARM_DELAY": disarm_delay_s(speedup), **(extra_params or {})}
    try:
        first_instance = claims.enter_context(claimed_instances(len(specs)))
        for place, spec in enumerate(specs):
            instance = first_instance + place
            folder = work_dir / f"sitl-{spec.system_id}"
            defaults = _prepare(folder, spec, extras)
            line = command_line(program, spec, instance, speedup=speedup, udp_target=udp_target, defaults=defaults)
            process = await _start(line, folder)
            started.append(process)
            ports = tuple(("127.0.0.1", BASE_PORT + PORT_STRIDE * instance + serial) for serial in (2, 3))
            pilot = ("127.0.0.1", RC_PORT + PORT_STRIDE * instance)
            running[spec.system_id] = SitlProcess(spec, process.pid, folder / "sitl.log", ports, pilot)
        try:
            async with asyncio.TaskGroup() as group:
                watchers = [
                    group.create_task(_watch(process, member), name=f"watch SITL {member.spec.name}")
                    for process, member in zip(started, running.values(), strict=True)
                ]
                yield SitlFleet(running, speedup)
                for watcher in watchers:
                    watcher.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
    finally:
        await asyncio.gather(*(_stop(process) for process in started))
        claims.close()


def _prepare(folder: Path, spec: VehicleSpec, extra: Mapping[str, float]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    defaults = folder / "defaults.parm"
    defaults.write_text(defaults_text(spec, extra), encoding="ascii")
    (folder / "eeprom.bin").unlink(missing_ok=True)
    return defaults.resolve()


async def _start(line: list[str], folder: Path) -> asyncio.subprocess.Process:
    with (folder / "sitl.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *line, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=asyncio.subprocess.STDOUT
        )


async def _watch(process: asyncio.subprocess.Process, member: SitlProcess) -> None:
    status = await process.wait()
    raise SitlExited(member.spec.name, status, last_lines(member.log))


def last_lines(log: Path) -> str:
    """The end of a log, as far as it is text."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])
    return "(no log)"


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Terminate, and kill what has not ended by the deadline."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_PATIENCE_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
