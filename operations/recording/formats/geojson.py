"""A track as GeoJSON (RFC 7946): one feature, a line with the time of each position."""

from __future__ import annotations

from operations.recording.formats.document import Document, listed, positions, text, times
from operations.recording.table import About


def geojson(about: About) -> Document:
    """Positions are [lon, lat, metres above mean sea level], of which an untold height is left out;
    `properties.times` has one entry for each.
    """
    return (
        b'{"type":"Feature","geometry":{"type":"LineString","coordinates":[',
        listed(positions),
        b']},"properties":{"sortie_id":' + text(about.sortie_id) + b',"vehicle_id":' + text(about.vehicle_id),
        b',"level":' + text(about.level_name) + b',"times":[',
        listed(times),
        b"]}}",
    )
