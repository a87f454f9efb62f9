"""Files that mean harm: refused by what they hold, before memory or time is spent on them."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from core.errors import InvalidRequest
from geofence.formats.crs import Crs
from geofence.formats.intake import MOST_BYTES, MOST_RING_VERTICES, MOST_VERTICES, Intake, Options
from geofence.formats.read import read_zones
from geofence.formats.safely import MOST_ARRAYS, MOST_ELEMENTS, MOST_JSON_DEPTH
from geofence.zones import Role
from tests.geofence.formats.samples import SQUARE, kml_of, kml_polygon

LOL = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><kml>&b;</kml>'
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE kml SYSTEM "file:///etc/passwd"><kml/>'


def refused(data: bytes, name: str = "") -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_zones(data, Options(crs=Crs.WGS84, role=Role.EXCLUSION), name=name)
    return str(caught.value)


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, data in members:
            made.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\0" * (MOST_BYTES + 1), "at most 16777216"),
        (b"hello", "not known"),
        (b"{", "not JSON"),
        (b'{"type": NaN}', "not JSON"),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, "deep"),
        (b'{"a":' + b"[" * (MOST_JSON_DEPTH + 1) + b"]" * (MOST_JSON_DEPTH + 1) + b"}", "levels deep"),
        (b"[" * (MOST_ARRAYS + 1), "at most"),
        (b'{"a":' * 100_001, "at most"),
        (b"[" + b"0," * 1_200_001, "at most"),
        (b"[1,2]", "must be a JSON object"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
        (LOL, "document type declaration"),
        (OUTSIDE, "document type declaration"),
        (b"<kml>", "not XML"),
        (b"<kml>\xff\xfe</kml>", "not utf-8"),
        (b'<?xml version="1.0" encoding="EBCDIC-CP-US"?><kml/>', "save the file as UTF-8"),
        (b"<a>" * 65, "levels deep"),
        (b"<kml>" + b"<a/>" * (MOST_ELEMENTS + 1) + b"</kml>", "elements"),
        (b"<kml " + b" ".join(b'a%d=""' % i for i in range(60)) + b"/>", "attributes"),
        (b"<" + b"a" * 70_000 + b"/>", "tag"),
        (b"<gpx/>", "must be kml"),
        (archive(("doc.kml", b"0" * 5_000_000)), "times its size"),
        (archive(("a.txt", b"x")), "no KML"),
        (archive(("doc.kml", b"<kml/>"), method=zipfile.ZIP_LZMA), "method 14"),
        (archive(*((f"{index}.kml", b"") for index in range(201))), "201 members"),
        (archive(("doc.kml", archive(("doc.kml", b"<kml/>")))), "not XML"),
        (archive(("doc.kml", b"<kml/>"))[:-30], "archive"),
        (archive(("wpmz/waylines.wpml", b"<kml/>")), "WPML"),
        (b"QGC WPL 110\n" + b"\n" * 60_000, "more than 20000 lines"),
        (b"1 2\n" * 30_000, "lines"),
    ],
    # Not from the data: an archive holds the time at which it was made, and two workers must collect the same tests.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_file_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    began = time.process_time()
    assert words in refused(data)
    assert time.process_time() - began < 10.0


def test_an_encrypted_member_is_refused() -> None:
    data = bytearray(archive(("doc.kml", b"<kml/>")))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    assert "encrypted" in refused(bytes(data))


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "gb2312", "gb18030"])
def test_chinese_names_are_read_in_every_usual_encoding(codec: str) -> None:
    text = kml_of(kml_polygon(SQUARE).replace("<name>p", "<name>学校")).decode()
    data = text.replace('"1.0"', f'"1.0" encoding="{codec.removesuffix("-sig")}"').encode(codec)
    (zone,), _ = read_zones(data, Options(role=Role.EXCLUSION))
    assert zone.name == "学校"


def test_more_vertices_than_the_bound_are_refused_in_all_files_together() -> None:
    intake = Intake(Options())
    intake.spend_vertices(MOST_VERTICES, "/a")
    with pytest.raises(InvalidRequest, match=f"/b: .* {MOST_VERTICES} vertices"):
        intake.spend_vertices(1, "/b")
    ring = [[121 + index * 1e-6, 31] for index in range(MOST_RING_VERTICES + 2)]
    assert f"{MOST_RING_VERTICES} positions" in refused(kml_of(kml_polygon(ring)))
