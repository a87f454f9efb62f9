"""Any airspace file: its format told by its content, its zones with a report of what was changed on the way."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geofence.formats.geojson import read_geojson
from geofence.formats.geozones import read_ed269, read_ed318
from geofence.formats.intake import Options, refusal
from geofence.formats.kml import read_kml
from geofence.formats.obstacles import are_obstacles, read_obstacles
from geofence.formats.plan import read_plan_fence
from geofence.formats.points import is_point_list, looks_like_fen, read_fen, read_poly
from geofence.formats.report import Format, Report
from geofence.formats.safely import Element, check_size, json_of, member_of, open_archive, text_of, xml_of
from geofence.formats.wpl import HEADER, read_wpl_fence
from geofence.zones import Zone

_WAYLINES = "waylines.wpml"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file as far as its format was told: `content` is decoded JSON, the root of an XML text, or text."""

    form: Format
    content: Any


def read_zones(data: bytes, options: Options, *, name: str = "") -> tuple[tuple[Zone, ...], Report]:
    """The zones of a file of any format that is known. `name` helps only where content leaves a doubt.

    Raises InvalidRequest with the paths of what is wrong.
    """
    return zones_in(opened(data, name=name), options)


def zones_in(file: Opened, options: Options) -> tuple[tuple[Zone, ...], Report]:
    """As `read_zones`, of a file whose format was told already."""
    match file.form:
        case Format.KML | Format.KMZ:
            return read_kml(file.content, options, file.form)
        case Format.PLAN:
            return read_plan_fence(file.content, options)
        case Format.WPL:
            return read_wpl_fence(file.content, options)
        case Format.FEN | Format.POLY:
            read = read_fen if file.form is Format.FEN else read_poly
            return read(file.content, options)
        case Format.ED269:
            return read_ed269(file.content, options)
        case Format.ED318:
            return read_ed318(file.content, options)
        case Format.OBSTACLES:
            return read_obstacles(file.content, options)
        case Format.GEOJSON:
            return read_geojson(file.content, options)
        case Format.WPML:
            raise refusal("", "a DJI WPML route is written here and not read; export KML instead")


def opened(data: bytes, *, name: str = "", form: Format | None = None) -> Opened:
    """The file, decoded. `form`: what the caller says that it is; None: by content. Raises InvalidRequest."""
    check_size(data)
    found = _by_content(data, name.lower())
    if form is not None and found.form is not form and {found.form, form} != {Format.FEN, Format.POLY}:
        raise refusal("", f"the content is {found.form}, not {form}")
    return found if form is None else Opened(form, found.content)


def _by_content(data: bytes, name: str) -> Opened:
    if data.startswith(b"PK\x03\x04"):
        return _in_archive(data)
    start = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return _xml(data, Format.KML)
    if start.startswith((b"{", b"[")):
        document = json_of(data)
        return Opened(_json_format(document), document)
    text = text_of(data)
    if text.split("\n", 1)[0].split() == HEADER.split():
        return Opened(Format.WPL, text)
    if is_point_list(text):
        fen = looks_like_fen(text) and not name.endswith(".poly")
        return Opened(Format.FEN if fen else Format.POLY, text)
    raise refusal("", f"the format is not known; known are {', '.join(Format)}")


def _xml(data: bytes, form: Format) -> Opened:
    root: Element = xml_of(data)
    return Opened(form, root)


def _in_archive(data: bytes) -> Opened:
    """The main document of a KMZ: `doc.kml`, else the first KML file at the top (KML 2.2, annex C)."""
    archive: zipfile.ZipFile
    with open_archive(data) as archive:
        names = archive.namelist()
        if any(each.endswith(_WAYLINES) for each in names):
            return Opened(Format.WPML, None)
        documents = sorted(
            (each for each in names if each.lower().endswith(".kml")), key=lambda each: each.count("/")
        )
        if not documents:
            raise refusal("", "the archive has no KML document")
        main = "doc.kml" if "doc.kml" in documents else documents[0]
        return _xml(member_of(archive, main), Format.KMZ)


def _json_format(document: object) -> Format:
    if not isinstance(document, Mapping):
        raise refusal("", "must be a JSON object")
    if document.get("fileType") == "Plan":
        return Format.PLAN
    if "UASZoneList" in document:
        return Format.ED269
    listed = document.get("features")
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, Mapping):
        return Format.GEOJSON
    if are_obstacles(first):
        return Format.OBSTACLES
    geometry, properties = first.get("geometry"), first.get("properties")
    if isinstance(geometry, list):
        return Format.ED269
    parts = geometry.get("geometries") if isinstance(geometry, Mapping) else None
    layered = isinstance(geometry, Mapping) and ("layer" in geometry or _has_layer(parts))
    zoned = isinstance(properties, Mapping) and {"identifier", "type", "variant"} <= properties.keys()
    return Format.ED318 if layered or zoned else Format.GEOJSON


def _has_layer(parts: object) -> bool:
    return isinstance(parts, list) and any(isinstance(part, Mapping) and "layer" in part for part in parts)
