"""All settings as one frozen object, from `bailu.toml`, `BAILU_*` and the command line; unknown keys are refused."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from telemetry.links import LinkError
from telemetry.links.urls import parse_url

PREFIX = "BAILU_"
_TOML_VALUES = ("operator_units", "links", "vehicles", "docks", "watch", "log", "forwarding", "recording")
# Read by the SITL tests and `bailu sitl`, and by `bailu forward`: no settings of the platform.
FOREIGN_KEYS = frozenset({"BAILU_SITL_BINARY", "BAILU_FORWARD_SECRETS"})

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class SettingsError(Exception):
    """The settings cannot be used; the text says which key and why."""


class LinkSetting(BaseModel):
    """A transport to listen on, to connect to or to play: one of the forms of `telemetry.links.urls`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    url: str

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        try:
            parse_url(url)
        except LinkError as error:
            raise ValueError(str(error)) from error
        return url


class VehicleSetting(BaseModel):
    """An enrolled vehicle: our stable id, its MAVLink system id on its link, and where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    name: str = Field(min_length=1, max_length=80)
    link: Id
    system_id: int = Field(ge=1, le=254)
    dock: Id
    airframe: str = "quad-3kg"
    spare_links: tuple[Id, ...] = ()
    unit: Id = "default"

    @property
    def links(self) -> tuple[str, ...]:
        """Every link that it may be heard on, the preferred one first."""
        return (self.link, *self.spare_links)


class DockSetting(BaseModel):
    """A place where vehicles stand: where, and how high its pad is above ground that lies so high above the sea."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    name: str = Field(min_length=1, max_length=80)
    lat_deg: float = Field(ge=-90.0, le=90.0)
    lon_deg: float = Field(ge=-180.0, le=180.0)
    ground_amsl_m: float = Field(ge=-500.0, le=9_000.0)
    height_agl_m: float = Field(default=0.0, ge=0.0, le=1_000.0)


class WatchSetting(BaseModel):
    """What the platform does by itself in the air, never against a pilot, and when a battery is worth an alarm.

    `fence_ahead`: the vehicle cannot stop before its fence any more; `fence_breach`: it left it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fence_ahead: Literal["warn", "brake", "return"] = "brake"
    fence_breach: Literal["warn", "brake", "return"] = "return"
    battery_low_pct: float = Field(default=30.0, ge=0.0, le=100.0)
    battery_critical_pct: float = Field(default=20.0, ge=0.0, le=100.0)

    @model_validator(mode="after")
    def _critical_is_less(self) -> WatchSetting:
        if self.battery_critical_pct > self.battery_low_pct:
            raise ValueError("battery_critical_pct is more than battery_low_pct")
        return self


class RecordingSetting(BaseModel):
    """How long records are kept that no case holds; over `max_gib` the oldest go earlier.

    `raw_days`: every position, and the telemetry logs of sorties. `level_days`: positions at 1, 10 and 60 s.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw_days: float = Field(default=90.0, gt=0.0, le=36_500.0)
    level_days: float = Field(default=730.0, gt=0.0, le=36_500.0)
    max_gib: float = Field(default=20.0, ge=0.1, le=1_000_000.0)

    @model_validator(mode="after")
    def _levels_outlive_rows(self) -> RecordingSetting:
        if self.level_days < self.raw_days:
            raise ValueError("level_days is less than raw_days")
        return self


class LogSetting(BaseModel):
    """How the roles log: pretty on a terminal and JSON lines elsewhere (`auto`), from which level on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["auto", "json", "text"] = "auto"
    level: Literal["debug", "info", "warning", "error"] = "warning"


DEFAULT_LINKS = (LinkSetting(name="fleet", url="udpin:127.0.0.1:14550"),)
DEFAULT_VEHICLES = tuple(
    VehicleSetting(id=f"bl-{number:02}", name=name, link="fleet", system_id=10 + number, dock=dock)
    for number, name, dock in (
        (1, "白鹭一号", "dock-xiayang"),
        (2, "白鹭二号", "dock-yingpu"),
        (3, "白鹭三号", "dock-zhujiajiao"),
    )
)


class ForwardingSetting(BaseModel):
    """Where forwarding may send: private addresses, as a city's own network has, or public ones only.

    `ca_file`: certificates that are trusted besides the system's, for a city's own authority.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow_private: bool = True
    ca_file: Path | None = None


class Settings(BaseSettings):
    """Every setting of the platform. Nothing but `load` builds one outside of tests."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65_535)
    operator_id: Id = "local"
    operator_name: str = Field(default="本机值班员", min_length=1, max_length=80)
    operator_units: tuple[Id, ...] | None = None  # whose vehicles the operator may know of; without it all
    key_file: Path | None = None  # 32 bytes that lock the vehicles' signing keys; without it made in the data folder
    terrain_dir: Path | None = None  # elevation tiles, .hgt or GeoTIFF; without it the district's schematic plane
    tick_hz: float = Field(default=10.0, ge=1.0, le=50.0)
    speedup: float = Field(default=1.0, gt=0.0, le=100.0)
    gcs_system_id: int = Field(default=255, ge=1, le=255)  # ours; another ground station's would hide our silence
    links: tuple[LinkSetting, ...] = DEFAULT_LINKS
    vehicles: tuple[VehicleSetting, ...] = DEFAULT_VEHICLES
    docks: tuple[DockSetting, ...] = ()  # without any the three schematic ones
    watch: WatchSetting = WatchSetting()
    forwarding: ForwardingSetting = ForwardingSetting()
    log: LogSetting = LogSetting()
    recording: RecordingSetting = RecordingSetting()
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)  # of `bailu gateway`: its metrics and health
    trace_endpoint: str | None = Field(default=None, pattern=r"^https?://[^\s@]+$")  # of an OTLP collector
    disk_floor_mib: int = Field(default=256, ge=0)  # with less free space the platform says that it is not ready

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over: the environment is read in one place."""
        return (init_settings,)

    @field_validator("host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        # Nobody logs in yet, so nobody from outside may come in.
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return host
        raise ValueError("Bailu has no log-in yet and binds loopback addresses only")

    @model_validator(mode="after")
    def _vehicles_fit_links(self) -> Settings:
        _refuse_repeats("link name", [link.name for link in self.links])
        _refuse_repeats("vehicle id", [vehicle.id for vehicle in self.vehicles])
        _refuse_repeats("dock id", [dock.id for dock in self.docks])
        _refuse_repeats(
            "link and system id", [f"{link}/{each.system_id}" for each in self.vehicles for link in each.links]
        )
        if any(each.system_id == self.gcs_system_id for each in self.vehicles):
            raise ValueError(f"gcs_system_id {self.gcs_system_id} is a vehicle's")
        known = {link.name for link in self.links}
        for vehicle in self.vehicles:
            for link in vehicle.links:
                if link not in known:
                    raise ValueError(f"vehicle {vehicle.id} is on link {link!r}, which is not configured")
        return self

    @property
    def database(self) -> Path:
        return self.data_dir / "bailu.db"

    @property
    def reserve_bytes(self) -> int:
        """Room kept for the journal on a full disk: twice what its log takes before it begins anew. Much less than
        what is left when no position is recorded any more, so that telemetry does not take it."""
        return min(8 << 20, (self.disk_floor_mib << 20) // 32)

    @property
    def bus_socket(self) -> Path:
        """Where `bailu gateway` listens for `bailu api` processes."""
        return self.data_dir / "bus.sock"

    @property
    def has_default_fleet(self) -> bool:
        return self.vehicles == DEFAULT_VEHICLES


def _refuse_repeats(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{what} {name!r} occurs twice")


def load(config: Path | None, environ: Mapping[str, str], **overrides: Any) -> Settings:
    """File, then environment, then the command line's `overrides` (None: not given). Raises SettingsError."""
    values = _from_file(config) if config else {}
    values |= _from_environ(environ)
    values |= {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from error


def _from_file(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{config}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config}: {error}") from error


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """`BAILU_PORT=…` and so on; lists and tables (`BAILU_VEHICLES`, `BAILU_LOG`) are TOML values."""
    found: dict[str, Any] = {}
    for name, text in environ.items():
        if name.startswith(PREFIX) and name not in FOREIGN_KEYS:
            key = name.removeprefix(PREFIX).lower()
            found[key] = _toml_value(name, text) if key in _TOML_VALUES else text
    return found


def _toml_value(name: str, text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: {error}") from error


def _sentence(error: ValidationError) -> str:
    """Each wrong key with its reason, in one line."""
    wrong = []
    for item in error.errors(include_url=False):
        where = ".".join(str(part) for part in item["loc"]) or "settings"
        reason = (
            "is not a known setting"
            if item["type"] == "extra_forbidden"
            else item["msg"].removeprefix("Value error, ")
        )
        wrong.append(f"{where}: {reason}")
    return "; ".join(wrong)
