"""Files of other programs: how exactly zones come back, and what broken and hostile files cost."""

from __future__ import annotations

import io
import multiprocessing
import random
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import numpy as np

from bench.figure import Figure
from core.errors import InvalidRequest
from core.ids import ZoneId
from geofence.formats.crs import Crs
from geofence.formats.intake import Options
from geofence.formats.kml_write import packed, write_kml
from geofence.frame import LocalFrame, lonlat_array
from geofence.geojson import zone_collection
from geofence.zones import CircleShape, PolygonShape, Role, Shape, Zone
from missions.formats.files import MISSION_FORMATS, ZONE_FORMATS, read_file, write_mission, write_zones
from tests.fields import HOME
from tests.geofence.formats.mutate import mutated
from tests.geofence.formats.samples import SQUARE, kml_of, kml_polygon, samples
from tests.missions.formats.plans import a_plan

_MIB = 1 << 20
_MOST_S, _MOST_MIB = 2.0, 256.0
# What a child may take before the kernel ends it: the figure is then the time or memory of a failure, not missing.
_LIMIT_S, _LIMIT_BYTES = 600, 4 << 30


def formats(count: int = 10_000) -> Iterator[Figure]:
    """Round trips of random zones; `count` mutated files; large files made to be slow or to fill the memory.

    Files are read in child processes, so that the memory is theirs alone: its peak includes Python and libraries.
    """
    yield Figure("formats.round_trip.worst", _round_trip_cm(), "cm", 1.1)
    crashes, slowest_s, peak_mib, read = _in_child(_read_mutated, count)
    yield Figure("formats.mutated.crashes", crashes, "files", 0)
    yield Figure("formats.mutated.slowest", slowest_s, "s", _MOST_S)
    yield Figure("formats.mutated.memory", peak_mib, "MiB", _MOST_MIB)
    yield Figure("formats.mutated.read_anyway", read, "files")
    results = list(_hostile())
    yield Figure("formats.hostile.crashes", sum(result[0] for result in results), "files", 0)
    yield Figure("formats.hostile.slowest", max(result[1] for result in results), "s", _MOST_S)
    yield Figure("formats.hostile.memory", max(result[2] for result in results), "MiB", _MOST_MIB)
    yield Figure("formats.hostile.files", len(results), "files")


# Crashes, the slowest file in seconds of CPU, the peak of memory in MiB, files that were read.
_Result = tuple[float, float, float, float]


def _in_child(work: Callable[..., _Result], argument: object) -> _Result:
    """What `work` measured in a process of its own; one that was ended by its limits counts as a crash."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_limited, args=(work, argument, there))
    child.start()
    there.close()
    try:
        found: _Result = here.recv()
    except EOFError:
        found = (1.0, float(_LIMIT_S), float(_LIMIT_BYTES // _MIB), 0.0)
    child.join()
    return found


def _limited(work: Callable[..., _Result], argument: object, results: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_LIMIT_BYTES, _LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_LIMIT_S, _LIMIT_S))
    results.send(work(argument))


def _peak_mib() -> float:
    """The most memory that this process ever had (proc(5), VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _read(data: bytes, options: Options) -> tuple[bool, bool, float]:
    """Whether it crashed, whether it was read, and the seconds of CPU."""
    began = time.process_time()
    crashed = read = False
    try:
        read_file(data, options)
        read = True
    except InvalidRequest:
        pass
    except Exception:  # noqa: BLE001  (a crash of any kind is what is counted)
        crashed = True
    return crashed, read, time.process_time() - began


def _read_mutated(count: int) -> _Result:
    rng = random.Random(1)
    files = [*samples().values(), *(write_mission(a_plan(), form)[0] for form in MISSION_FORMATS)]
    results = []
    for _ in range(count):
        options = Options(crs=rng.choice([Crs.WGS84, *Crs, None]), role=rng.choice([*Role, None]))
        results.append(_read(mutated(rng.choice(files), rng), options))
    crashed, read, took_s = zip(*results, strict=True)
    return float(sum(crashed)), max(took_s), _peak_mib(), float(sum(read))


def _hostile() -> Iterator[_Result]:
    """Each hostile file, made here and read in a child."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile"
        for make in _HOSTILE:
            path.write_bytes(make())
            yield _in_child(_read_one, path)


def _read_one(path: Path) -> _Result:
    crashed, read, took_s = _read(path.read_bytes(), Options(crs=Crs.WGS84, role=Role.EXCLUSION))
    return float(crashed), took_s, _peak_mib(), float(read)


def _round_trip_cm(zones: int = 500) -> float:
    """The farthest that any vertex of random zones moved through any format, in centimetres."""
    rng = np.random.default_rng(1)
    frame = LocalFrame(HOME)
    made = tuple(_random_zone(number, rng, frame) for number in range(zones))
    worst_m = 0.0
    for form in ZONE_FORMATS:
        back = read_file(write_zones(made, form)[0], Options()).zones
        pairs = zip(sorted(map(_key, made)), sorted(map(_key, back)), strict=True)
        worst_m = max(worst_m, *(_apart_m(one[1], other[1], frame) for one, other in pairs))
    return 100.0 * worst_m


def _key(zone: Zone) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A place to sort by, and all coordinates with the radius: formats differ in order and ids."""
    shape = zone.shape
    places = shape.outer if isinstance(shape, PolygonShape) else (shape.center,)
    flat = tuple(lonlat_array(places).ravel().tolist())
    tail = () if isinstance(shape, PolygonShape) else (shape.radius_m,)
    return tuple(round(value, 5) for value in flat[:2]), (*flat, *tail)


def _apart_m(one: tuple[float, ...], other: tuple[float, ...], frame: LocalFrame) -> float:
    even = len(one) // 2 * 2
    xy = [frame.project(np.array(each[:even]).reshape(-1, 2)) for each in (one, other)]
    moved = float(np.hypot(*(xy[0] - xy[1]).T).max())
    return max(moved, abs(one[-1] - other[-1])) if len(one) % 2 else moved


def _random_zone(number: int, rng: np.random.Generator, frame: LocalFrame) -> Zone:
    middle = rng.uniform(-20_000, 20_000, 2)
    angles = np.linspace(0, 2 * np.pi, rng.integers(4, 40), endpoint=False)
    reach = rng.uniform(100, 900, len(angles))
    ring = frame.to_places(middle + np.column_stack((reach * np.cos(angles), reach * np.sin(angles))))
    round_one = number % 4 == 0
    shape: Shape = CircleShape(ring[0], float(reach[0])) if round_one else PolygonShape(ring)
    role = Role.INCLUSION if number % 3 == 0 else Role.EXCLUSION
    return Zone(ZoneId(f"z{number}"), f"z{number}", role, shape)


def _blobs(count: int) -> tuple[Zone, ...]:
    """Zones of 5 500 vertices each, wavy."""
    around = np.linspace(0, 2 * np.pi, 5_500, endpoint=False)
    wave = 0.1 * (1 + 0.05 * np.sin(500 * around))
    frame = LocalFrame(HOME)
    rings = (np.column_stack((wave * np.cos(around), wave * np.sin(around))) for _ in range(count))
    places = [frame.to_places(ring * 100_000) for ring in rings]
    return tuple(Zone(ZoneId(f"b{n}"), "b", Role.EXCLUSION, PolygonShape(ring)) for n, ring in enumerate(places))


def _polygons(*rings: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bytes:
    """A FeatureCollection of polygons without properties."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*ring.tolist(), ring[0].tolist()]]},
            "properties": {},
        }
        for ring in rings
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _one_ring(unit: bytes) -> bytes:
    """A KML polygon whose coordinates are a unit again and again."""
    head, tail = kml_of(kml_polygon([[0, 0]])).split(b"0,0")
    return _repeated(head, unit, _BIG, tail)


def _many_placemarks() -> bytes:
    return kml_of(*[kml_polygon(SQUARE)] * 5_000)


def _spaghetti(vertices: int, rings: int = 1) -> bytes:
    rng = np.random.default_rng(0)
    return _polygons(*(rng.uniform(30, 31, (vertices, 2)) for _ in range(rings)))


def _bow_ties() -> bytes:
    return _polygons(*[np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])] * 900)


def _back_and_forth() -> bytes:
    return _polygons(np.array([[index % 2, 0.0] for index in range(5_900)] + [[0.5, 1.0]]))


def _zip_bomb() -> bytes:
    return packed([("doc.kml", b"0" * (300 * _MIB))])


def _zip_lzma() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("doc.kml", b"0" * (30 * _MIB))
    return buffer.getvalue()


def _zip_members() -> bytes:
    return packed([(f"{index}.kml", b"") for index in range(30_000)])


def _zipped_blobs() -> bytes:
    return packed([("doc.kml", write_kml(_blobs(35)))])


def _geojson_blobs() -> bytes:
    return msgspec.json.encode(zone_collection(_blobs(35)))


def _kml_blobs() -> bytes:
    return write_kml(_blobs(35))


def _strings() -> bytes:
    return b"[" + b",".join(b'"%08dxxxx"' % index for index in range(1_000_000)) + b"]"


def _attributes() -> bytes:
    return b"<kml " + b" ".join(b'a%d="1"' % index for index in range(900_000)) + b"/>"


def _random_bytes() -> bytes:
    return random.Random(1).randbytes(15 * _MIB)


def _repeated(head: bytes, unit: bytes, size: int, tail: bytes = b"") -> bytes:
    return head + unit * (size // len(unit)) + tail


_BIG = 15 * _MIB
_HOSTILE: tuple[Callable[[], bytes], ...] = (
    partial(_repeated, b"", b"[", _BIG),
    partial(_repeated, b"", b'{"a":', _BIG),
    partial(_repeated, b"[", b'{"a":1},', 99_000 * 8, b"1]"),
    partial(_repeated, b"[", b"[],", 399_000 * 3, b"1]"),
    partial(_repeated, b'{"a":', b"9", _BIG, b"}"),
    partial(_repeated, b'{"a":"', "\U0001f600".encode(), 12 * _MIB, b'"}'),
    partial(_repeated, b"<kml>", b"<a/>", _BIG, b"</kml>"),
    partial(_repeated, b"<kml>", b"<a></a>", 149_000 * 7, b"</kml>"),
    partial(_repeated, b"", b"<a>", _BIG),
    partial(_repeated, b"<", b"a", _BIG, b"/>"),
    partial(_repeated, b"<kml>", b"\n", _BIG, b"</kml>"),
    partial(_repeated, b"<kml>", b"<!---->", _BIG, b"</kml>"),
    partial(_repeated, b"QGC WPL 110\n", b"\n", _BIG),
    partial(_repeated, b"QGC WPL 110\n", b"1 ", _BIG),
    partial(_repeated, b"QGC WPL 110\n", b"0 0 0 5003 5 0 0 0 1 1 0 1\n", 19_000 * 27),
    partial(_repeated, b"", b"1 2\n", _BIG),
    partial(_repeated, b"", b"1 2 ", _BIG),
    partial(_repeated, b"", b"#\n", _BIG),
    partial(_repeated, b"", b"\0", _BIG),
    partial(_one_ring, b"1 "),
    partial(_one_ring, b", "),
    partial(_spaghetti, 5_900),
    partial(_spaghetti, 190, 900),
    partial(_spaghetti, 40, 3_000),
    _attributes,
    _back_and_forth,
    _bow_ties,
    _geojson_blobs,
    _kml_blobs,
    _many_placemarks,
    _random_bytes,
    _strings,
    _zip_bomb,
    _zip_lzma,
    _zip_members,
    _zipped_blobs,
)
