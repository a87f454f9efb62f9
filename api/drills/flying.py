"""The vehicles of a drill: embedded or SITL, each with an instructor's line, behind a link that can be broken."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from api.drills.record import Record
from api.drills.scenario import Kind, Scenario, VehiclePart
from core.ids import DockId
from missions.energy import AIRFRAMES
from missions.fleet import SITL_AIRFRAME
from missions.model import Dock
from simulator.faults.instructor import Heard, Instructor, instructing
from simulator.faults.line import LinkFaults
from simulator.faults.udp import UdpProxy
from simulator.fleet import running_fleet
from simulator.flight.modes import Mode
from simulator.sitl import find_binary, running_sitl_fleet
from simulator.spec import VehicleSpec

HOST = "127.0.0.1"
EMBEDDED_AIRFRAME = "quad-3kg"
UNLADEN_KG = 3.2
"""What the embedded vehicle weighs, as its specification has it."""
Address = tuple[str, int]


class DrillError(RuntimeError):
    """A drill cannot be flown here; the text says why."""


@dataclass(frozen=True, slots=True)
class Flyer:
    """A vehicle that flies in the drill."""

    part: VehiclePart
    kind: Kind
    dock: Dock
    instructor: Instructor

    @property
    def airframe(self) -> str:
        return airframe_of(self.kind)


@dataclass(frozen=True, slots=True)
class Range:
    """All vehicles by id, and the link that they share with the platform."""

    flyers: dict[str, Flyer]
    proxy: UdpProxy
    speedup: float

    def set_link(self, vehicle: str, faults: LinkFaults) -> None:
        """One vehicle's link from now on; times are the vehicle's."""
        sped_up = LinkFaults(faults.forth.sped_up(self.speedup), faults.back.sped_up(self.speedup))
        self.proxy.set(sped_up, system_id=self.flyers[vehicle].part.system_id)

    def rebind_link(self, vehicle: str) -> None:
        """The platform sees the vehicle come from another port."""
        self.proxy.rebind(system_id=self.flyers[vehicle].part.system_id)


def airframe_of(kind: Kind) -> str:
    """The entry of the airframe table that tells what such a vehicle draws."""
    return SITL_AIRFRAME if kind is Kind.SITL else EMBEDDED_AIRFRAME


def docks_of(scenario: Scenario) -> dict[str, Dock]:
    """The dock of each vehicle. Raises DrillError for one that is not known."""
    known = {dock.id: dock for dock in scenario.docks}
    for part in scenario.vehicles:
        if part.dock not in known:
            raise DrillError(f"{part.id}: there is no dock {part.dock!r}; known are {', '.join(known)}")
    return {part.id: known[DockId(part.dock)] for part in scenario.vehicles}


@asynccontextmanager
async def flying(
    scenario: Scenario, default: Kind, record: Record, *, gateway: Address, folder: Path
) -> AsyncIterator[Range]:
    """Every vehicle on its dock, its line to the platform at `gateway` as the drill has it.

    Raises DrillError, SitlNotFound and SitlExited.
    """
    docks = docks_of(scenario)
    kinds = {part.id: part.kind or default for part in scenario.vehicles}
    proxy = UdpProxy(gateway, seed=scenario.seed)
    async with AsyncExitStack() as stack:
        target = await proxy.open((HOST, 0))
        stack.push_async_callback(proxy.close)
        setting = _Setting(record, scenario.speedup, target, folder)
        flyers: dict[str, Flyer] = {}
        for kind, start in ((Kind.EMBEDDED, _embedded), (Kind.SITL, _sitl)):
            parts = [part for part in scenario.vehicles if kinds[part.id] is kind]
            if not parts:
                continue
            specs = [_spec(part, docks[part.id], scenario.seed, kind) for part in parts]
            lines = await start(stack, specs, parts, setting)
            for part, (instructor, address) in zip(parts, lines, strict=True):
                await stack.enter_async_context(instructing(instructor, address))
                flyers[part.id] = Flyer(part, kind, docks[part.id], instructor)
        field = Range(flyers, proxy, scenario.speedup)
        for part in scenario.vehicles:
            field.set_link(part.id, part.link)
        yield field


def _spec(part: VehiclePart, dock: Dock, seed: int, kind: Kind) -> VehicleSpec:
    airframe = AIRFRAMES[airframe_of(kind)]
    return VehicleSpec(
        system_id=part.system_id,
        name=part.id,
        lat_deg=dock.place.lat_deg,
        lon_deg=dock.place.lon_deg,
        alt_amsl_m=dock.alt_amsl_m,
        seed=1000 * seed + part.system_id,
        battery_wh=part.battery_wh or airframe.battery_wh,
        mass_kg=UNLADEN_KG + part.payload_kg,
    )


@dataclass(frozen=True, slots=True)
class _Listener:
    """Writes down what a vehicle tells of itself."""

    record: Record
    vehicle: str

    def __call__(self, heard: Heard) -> None:
        if heard.place is not None:
            self.record.at(self.vehicle, heard.place)
            return
        if heard.what == "armed":
            self.record.tracks[self.vehicle].armed = heard.value == "armed"
        self.record.add(self.vehicle, heard.what, heard.value)


Line = tuple[Instructor, Address]


@dataclass(frozen=True, slots=True)
class _Setting:
    """Where the vehicles of a drill are started."""

    record: Record
    speedup: float
    target: Address
    folder: Path


async def _embedded(
    stack: AsyncExitStack, specs: Sequence[VehicleSpec], parts: Sequence[VehiclePart], setting: _Setting
) -> list[Line]:
    fleet = await stack.enter_async_context(
        running_fleet(specs, speedup=setting.speedup, tcp_base_port=0, udp_targets=[setting.target])
    )

    def by_hand(system_id: int) -> Instructor:
        vehicle = fleet.vehicles[system_id]
        part = next(part for part in parts if part.system_id == system_id)
        return Instructor(
            system_id,
            _Listener(setting.record, part.id),
            fly_by_hand=lambda number: number in Mode._value2member_map_ and vehicle.pilot_mode_change(Mode(number)),
        )

    return [(by_hand(spec.system_id), fleet.tcp_addresses[spec.system_id]) for spec in specs]


async def _sitl(
    stack: AsyncExitStack, specs: Sequence[VehicleSpec], parts: Sequence[VehiclePart], setting: _Setting
) -> list[Line]:
    for part in parts:
        if part.payload_kg:
            setting.record.add(part.id, "trouble", "payload", "is left out: SITL has a weight of its own")
    fleet = await stack.enter_async_context(
        running_sitl_fleet(
            specs,
            binary=find_binary(os.environ),
            speedup=setting.speedup,
            udp_target=setting.target,
            work_dir=setting.folder / "sitl",
        )
    )
    lines = []
    for part in parts:
        process = fleet.processes[part.system_id]
        instructor = Instructor(part.system_id, _Listener(setting.record, part.id), rc=process.rc_address)
        lines.append((instructor, process.tcp_addresses[1]))
    return lines
