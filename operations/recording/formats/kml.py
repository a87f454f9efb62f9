"""A track as KML 2.2 with `gx:Track`, which Google Earth plays."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

import numpy as np

from operations.recording.formats.cells import Cell, instants, lines, numbers, where
from operations.recording.formats.document import Document, Pass
from operations.recording.rows import Rows
from operations.recording.table import DECIMALS, About, scaled

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>\n'
    '<Schema id="track">'
)
_NUMBERS = tuple(name for name in DECIMALS if name not in ("lat_deg", "lon_deg", "alt_amsl_m"))


def kml(about: About) -> Document:
    """`gx:coord` is lon lat metres above mean sea level; the other columns are arrays of the track.

    What was never told is an empty value, and a height is left out.
    """
    fields = [
        *(f'<gx:SimpleArrayField name="{name}" type="double"/>' for name in _NUMBERS),
        '<gx:SimpleArrayField name="mode" type="string"/>',
    ]
    name = escape(f"{about.vehicle_name} {about.sortie_id or ''}".strip())
    document: list[bytes | Pass] = [
        "".join([_HEAD, *fields, "</Schema>\n"]).encode(),
        f"<Placemark><name>{name}</name><gx:Track><altitudeMode>absolute</altitudeMode>\n".encode(),
        _each("when", lambda rows: instants(rows["at_us"])),
        _each("gx:coord", _coord),
        b'<ExtendedData><SchemaData schemaUrl="#track">\n',
    ]
    for column in _NUMBERS:
        document += [f'<gx:SimpleArrayData name="{column}">'.encode(), _values(column), b"</gx:SimpleArrayData>\n"]
    document += [b'<gx:SimpleArrayData name="mode">', _each("gx:value", _mode), b"</gx:SimpleArrayData>\n"]
    return [*document, b"</SchemaData></ExtendedData></gx:Track></Placemark></Document></kml>\n"]


def _values(column: str) -> Pass:
    return _each("gx:value", lambda rows: numbers(scaled(rows, column)))


def _coord(rows: Rows) -> list[Cell]:
    alt_amsl_m = scaled(rows, "alt_amsl_m")
    lon_lat = [*numbers(scaled(rows, "lon_deg")), b" ", *numbers(scaled(rows, "lat_deg"))]
    return [*lon_lat, *where(alt_amsl_m.told, b" "), *numbers(alt_amsl_m)]


def _mode(rows: Rows) -> list[Cell]:
    mode = rows["mode"]
    for mark in (b"&", b"<", b">"):
        mode = np.strings.replace(mode, mark, escape(mark.decode()).encode())
    return [mode]


def _each(tag: str, cells: Callable[[Rows], list[Cell]]) -> Pass:
    """An element for each row."""
    opening, closing = f"<{tag}>".encode(), f"</{tag}>".encode()

    def write(rows: Rows) -> bytes:
        # Nearly all of the text is tags; as cells they would take twice the time. No value has a line end.
        values = lines(len(rows), *cells(rows), b"\n")
        return opening + values[:-1].replace(b"\n", closing + opening) + closing if values else b""

    return Pass(write)
