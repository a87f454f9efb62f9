"""A track as KML 2.2 with `gx:Track`, which Google Earth plays."""

from __future__ import annotations

from xml.sax.saxutils import escape

from operations.recording.formats.document import Document, Pass
from operations.recording.rows import Rows
from operations.recording.table import DECIMALS, About, numbers_or_none, positions, times, words

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>\n'
    '<Schema id="track">'
)
_NUMBERS = tuple(name for name in DECIMALS if name not in ("lat_deg", "lon_deg", "alt_amsl_m"))


def kml(about: About) -> Document:
    """`gx:coord` is lon lat metres above mean sea level; the other columns are arrays of the track."""
    fields = [
        *(f'<gx:SimpleArrayField name="{name}" type="double"/>' for name in _NUMBERS),
        '<gx:SimpleArrayField name="mode" type="string"/>',
    ]
    name = escape(f"{about.vehicle_name} {about.sortie_id or ''}".strip())
    document: list[bytes | Pass] = [
        "".join([_HEAD, *fields, "</Schema>\n"]).encode(),
        f"<Placemark><name>{name}</name><gx:Track><altitudeMode>absolute</altitudeMode>\n".encode(),
        Pass(lambda rows: _each("when", times(rows))),
        Pass(lambda rows: _each("gx:coord", [f"{lon} {lat} {alt}" for lon, lat, alt in positions(rows)])),
        b'<ExtendedData><SchemaData schemaUrl="#track">\n',
    ]
    for column in _NUMBERS:
        document += [f'<gx:SimpleArrayData name="{column}">'.encode(), _values(column), b"</gx:SimpleArrayData>\n"]
    document += [
        b'<gx:SimpleArrayData name="mode">',
        Pass(lambda rows: _each("gx:value", [escape(word) for word in words(rows, "mode")])),
        b"</gx:SimpleArrayData>\n",
    ]
    return [*document, b"</SchemaData></ExtendedData></gx:Track></Placemark></Document></kml>\n"]


def _values(column: str) -> Pass:
    def write(rows: Rows) -> bytes:
        told = numbers_or_none(rows, column)
        return _each("gx:value", ["" if value is None else f"{value}" for value in told])

    return Pass(write)


def _each(tag: str, texts: list[str]) -> bytes:
    return "".join([f"<{tag}>{text}</{tag}>" for text in texts]).encode()
