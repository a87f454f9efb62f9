"""`bailu vehicle`: who the vehicles are and whose: enrols at the bench, gives keys, lists, moves, retires."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from adapters.keyring import KeyRing, KeyRingError, open_ring
from adapters.sqlite import SqliteStore, open_store
from api.cli.options import Config, DataDir
from api.cli.text import out, plainly
from api.cli.vehicle_logs import logs
from api.cli.vehicle_safety import safety
from api.docks import docks_by_id
from api.enrolling import places_exist
from api.folder import StartError
from api.settings import Settings, load
from core.clock import SystemClock
from core.errors import NotFound
from core.ids import DockId, VehicleId
from missions.enrollment import Category, Enrollment, SigningPolicy, WrappedKeys, fits
from telemetry.fleet import OWN_ADDRESS
from telemetry.provisioning import Bench, Found, ProvisioningError, bench
from telemetry.signing import KEY_BYTES, SigningBook

T = TypeVar("T")

app = typer.Typer(
    name="vehicle",
    help="Who the vehicles are and whose: enrol, give a key, list, move to another unit, retire.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command()(safety)
app.command()(logs)

Line = Annotated[
    str, typer.Option("--line", help="Where the vehicle is now: serial:/dev/ttyACM0:115200, tcp:HOST:PORT, udpin:…")
]
VehicleArgument = Annotated[str, typer.Argument(help="Our id of the vehicle.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with."""

    settings: Settings
    store: SqliteStore
    ring: KeyRing
    clock: SystemClock
    signing: SigningBook

    async def enrollment(self, vehicle_id: str) -> Enrollment:
        for each in await self.store.enrollments(retired=True):
            if each.id == vehicle_id:
                return each
        raise NotFound("enrollment", vehicle_id)

    async def unit_of(self, vehicle_id: str) -> str:
        """Whose it is, or was when it was enrolled before."""
        known = {str(each.id): each.unit for each in await self.store.enrollments(retired=True)}
        return known.get(vehicle_id, "default")

    async def at_the_bench(self, line: str, job: Callable[[Bench], Awaitable[T]]) -> T:
        """Does `job` on the line; the signing time is remembered whatever happens."""
        try:
            async with bench(line, clock=self.clock, signing=self.signing.clock) as table:
                return await job(table)
        finally:
            await self.store.remember_signing(self.signing.memory())


@app.command()
@plainly
def enroll(
    vehicle: VehicleArgument,
    *,
    line: Line,
    dock: Annotated[str, typer.Option("--dock", help="The dock where it stands.")],
    name: Annotated[str | None, typer.Option("--name", help="Shown to people. [default: the id]")] = None,
    link: Annotated[
        list[str] | None, typer.Option("--link", help="Link it will be heard on; may be repeated.")
    ] = None,
    airframe: Annotated[str, typer.Option("--airframe")] = "quad-3kg",
    signing: Annotated[SigningPolicy, typer.Option("--signing", help="What is asked of its frames.")] = (
        SigningPolicy.REQUIRE
    ),
    category: Annotated[Category | None, typer.Option("--category", help="Class of unmanned aircraft.")] = None,
    registration: Annotated[str | None, typer.Option("--registration", help="Its real-name register number.")] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="Whose it is. [default: as it was, else 'default']")
    ] = None,
    obey: Annotated[bool, typer.Option("--set-gcs", help="Have it obey our system id (MAV_GCS_SYSID).")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Enrol the vehicle that is on the line: read who it is, give it a key, see it sign, store it."""

    async def job(desk: Desk) -> None:
        links = tuple(link or [desk.settings.links[0].name])
        wanted = Enrollment(
            VehicleId(vehicle), name or vehicle, links, 1, DockId(dock), airframe, desk.clock.now(),
            category=category, registration=registration, unit=unit or await desk.unit_of(vehicle),
        )  # fmt: skip
        docks, known = docks_by_id(desk.settings), [each.name for each in desk.settings.links]
        places_exist(wanted, docks=docks, links=known)
        await desk.at_the_bench(line, lambda table: _enroll(desk, table, wanted, signing, obey=obey))

    _run(job, config, data_dir)


async def _enroll(desk: Desk, table: Bench, wanted: Enrollment, policy: SigningPolicy, *, obey: bool) -> None:
    found = await table.find(keys=await _keys(desk, wanted.id))
    uid = found.uid or "without an id"
    out.print(f"found: system {found.system_id}, autopilot {uid}, ArduPilot {found.firmware}", soft_wrap=True)
    _must_be_disarmed(found)
    wanted = replace(wanted, system_id=found.system_id, uid=found.uid, firmware=found.firmware)
    stored = await _pending(desk, wanted)
    if policy is not SigningPolicy.OFF:
        await _new_key(desk, table, stored)
    stored = await desk.enrollment(stored.id)
    done = replace(stored, signing=policy, retired_at=None, row_revision=stored.row_revision + 1)
    await desk.store.save_enrollment(done)
    if obey:
        name = await table.obey(OWN_ADDRESS.system_id)
        out.print(f"set: {name} = {OWN_ADDRESS.system_id}, read back")
    out.print(f"enrolled: {done.id} ({done.name}), signing: {done.signing}; a running gateway takes it up by itself")


async def _pending(desk: Desk, wanted: Enrollment) -> Enrollment:
    """Its row, retired until all is done: what breaks off half-way flies nowhere, and may be begun again."""
    fits(wanted, await desk.store.enrollments())
    before = {each.id: each for each in await desk.store.enrollments(retired=True)}.get(wanted.id)
    revision, has_key = (before.row_revision, before.has_key) if before else (0, False)
    if before is not None and before.retired_at is None and before.uid != wanted.uid:
        raise ProvisioningError(f"{wanted.id!r} is another vehicle, autopilot {before.uid}: retire that one first.")
    pending = replace(wanted, has_key=has_key, retired_at=desk.clock.now(), row_revision=revision + 1)
    return await desk.store.save_enrollment(pending)


async def _keys(desk: Desk, vehicle_id: VehicleId) -> tuple[bytes, ...]:
    """The keys that the vehicle may have: the one it was seen to sign with, and one that broke off half-way."""
    try:
        stored = await desk.store.enrollment_keys(vehicle_id)
    except NotFound:
        return ()
    return tuple(key for key in desk.ring.open(vehicle_id, stored) if key is not None)


async def _new_key(desk: Desk, table: Bench, enrollment: Enrollment, *, lost: bool = False) -> bytes:
    """A key that the vehicle was seen to sign with. It is stored before the vehicle gets it, so that none is lost.

    `lost`: what is stored does not open any more; it stays there until the vehicle signs with the new one.
    """
    stored = await desk.store.enrollment_keys(enrollment.id)
    half_given = None if lost else desk.ring.open(enrollment.id, stored)[1]
    key = half_given or secrets.token_bytes(KEY_BYTES)
    enrollment = replace(enrollment, row_revision=enrollment.row_revision + 1)
    wrapped = desk.ring.wrap(enrollment.id, key)
    await desk.store.save_enrollment(enrollment, WrappedKeys(stored.current, wrapped))
    await table.provision(key)
    changed = replace(enrollment, has_key=True, row_revision=enrollment.row_revision + 1)
    await desk.store.save_enrollment(changed, WrappedKeys(wrapped, None))
    out.print("key: given, stored under lock, and the vehicle signs with it")
    if await table.answers_unsigned():
        out.print("[yellow]note: this line takes unsigned frames too, as USB (serial 0) always does[/yellow]")
    else:
        out.print("checked: what is not signed is not answered on this line")
    return key


@app.command("rotate-key")
@plainly
def rotate_key(
    vehicle: VehicleArgument,
    *,
    line: Line,
    lost: Annotated[
        bool, typer.Option("--lost", help="Our former key is lost: over a line that needs no signatures, USB.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Give the vehicle on the line a new key; the former one stays until it was seen to sign with the new one."""

    async def job(desk: Desk) -> None:
        enrollment = await desk.enrollment(vehicle)

        async def rotate(table: Bench) -> None:
            found = await (_unsigned(table) if lost else table.find(keys=await _keys(desk, enrollment.id)))
            _must_be_disarmed(found)
            if not found.stands:
                raise ProvisioningError(f"System {found.system_id} does not say that it stands: nothing is changed.")
            if enrollment.uid is not None and found.uid != enrollment.uid:
                raise ProvisioningError(f"On the line is autopilot {found.uid}, not {enrollment.uid} of {vehicle!r}.")
            await _new_key(desk, table, enrollment, lost=lost)

        await desk.at_the_bench(line, rotate)

    _run(job, config, data_dir)


async def _unsigned(table: Bench) -> Found:
    """Who is on the line, asked without a key. Raises ProvisioningError that names the line that is needed."""
    try:
        return await table.find()
    except ProvisioningError as error:
        raise ProvisioningError(
            f"{error} One whose key is lost answers only where it asks for no signatures: its USB port (serial 0)."
        ) from error


@app.command("list")
@plainly
def list_vehicles(
    *,
    retired: Annotated[bool, typer.Option("--retired", help="With those that were retired.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Show every enrolled vehicle."""

    async def job(desk: Desk) -> None:
        table = Table("id", "name", "unit", "system", "links", "signing", "category", "registration", "autopilot")
        for each in await desk.store.enrollments(retired=retired):
            signing = f"{each.signing}{' (key)' if each.has_key else ''}"
            table.add_row(
                each.id, each.name, each.unit, str(each.system_id), " ".join(each.links), signing,
                each.category or "", each.registration or "", each.uid or "",
            )  # fmt: skip
        out.print(table)

    _run(job, config, data_dir)


@app.command()
@plainly
def show(vehicle: VehicleArgument, *, config: Config = None, data_dir: DataDir = None) -> None:
    """Show one enrolment; its key is never shown."""

    async def job(desk: Desk) -> None:
        enrollment = await desk.enrollment(vehicle)
        for name in enrollment.__dataclass_fields__:
            value = getattr(enrollment, name)
            shown = value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
            print(f"{name}: {' '.join(shown) if isinstance(shown, tuple) else '' if shown is None else shown}")

    _run(job, config, data_dir)


@app.command("set-unit")
@plainly
def set_unit(
    vehicle: VehicleArgument,
    unit: Annotated[str, typer.Argument(help="Whose it is from now on.")],
    *,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Give a vehicle to another unit; who may know of the former one only is told nothing of it any more."""

    async def job(desk: Desk) -> None:
        found = await desk.enrollment(vehicle)
        moved = replace(found, unit=unit, row_revision=found.row_revision + 1)
        await desk.store.save_enrollment(moved)
        print(f"{vehicle}: of unit {unit}, formerly {found.unit}; a running platform takes it up within two seconds")

    _run(job, config, data_dir)


@app.command()
@plainly
def retire(vehicle: VehicleArgument, *, config: Config = None, data_dir: DataDir = None) -> None:
    """Take a vehicle out of the fleet; what it says from then on is a stranger's. The record of it is kept."""

    async def job(desk: Desk) -> None:
        found = await desk.enrollment(vehicle)
        gone = replace(found, retired_at=desk.clock.now(), row_revision=found.row_revision + 1)
        await desk.store.save_enrollment(gone)
        print(f"retired: {vehicle}")

    _run(job, config, data_dir)


def _must_be_disarmed(found: Found) -> None:
    if found.armed:
        raise ProvisioningError(f"System {found.system_id} is armed: nothing is changed.")


def _run(job: Callable[[Desk], Awaitable[None]], config: Config, data_dir: DataDir) -> None:
    settings = load(config, os.environ, data_dir=data_dir)
    try:
        ring = open_ring(settings.data_dir, settings.key_file)
    except KeyRingError as error:
        raise StartError(str(error)) from error

    async def at_the_desk() -> None:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(settings.database))
            clock = SystemClock()
            await job(Desk(settings, store, ring, clock, SigningBook(clock, await store.signing_memory())))

    asyncio.run(at_the_desk())
