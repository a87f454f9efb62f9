from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from adapters.terrain import BadTile, open_tiles
from adapters.terrain.directory import MosaicPosts, TileCache
from adapters.terrain.geotiff import geotiff_tile
from adapters.terrain.hgt import hgt_tile
from geofence.terrain import LatticeTerrain

STEP = 1.0 / 120.0  # coarse, so that a degree is a small file
WGS84 = (1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 2, 2048, 0, 1, 4326)


def ground(lon: NDArray[Any], lat: NDArray[Any]) -> NDArray[Any]:
    """A plane that bilinear interpolation gives back exactly: 100 m per degree east, 40 m north."""
    return 100.0 * (lon - 120.0) + 40.0 * (lat - 30.0)


def keys(**changed: int) -> tuple[int, ...]:
    """A key directory: WGS-84, pixel is point, and what is `changed` by the key's number (k1024=1)."""
    told = {1024: 2, 1025: 2, 2048: 4326} | {int(name[1:]): value for name, value in changed.items()}
    return (1, 1, 0, len(told), *(word for key, value in sorted(told.items()) for word in (key, 0, 1, value)))


def write_tif(
    path: Path,
    posts: NDArray[Any],
    west: float,
    north: float,
    *,
    step: float = STEP,
    geo: tuple[int, ...] = WGS84,
    nodata: str | None = None,
    **options: Any,
) -> Path:
    tags: list[tuple[int, str, int, object, bool]] = [
        (33550, "d", 3, (step, step, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, west, north, 0.0), True),
    ]
    if geo:
        tags.append((34735, "H", len(geo), geo, True))
    if nodata is not None:
        tags.append((42113, "s", 0, nodata, True))
    tifffile.imwrite(path, posts, extratags=tags, metadata=None, **options)
    return path


def degree(west: float, north: float, *, count: int = 121, step: float = STEP) -> NDArray[np.float32]:
    """Posts of `ground` from the north-west corner."""
    lon, lat = np.meshgrid(west + np.arange(count) * step, north - np.arange(count) * step)
    return ground(lon, lat).astype(np.float32)


def write_hgt(folder: Path, name: str, posts: NDArray[Any]) -> Path:
    path = folder / name
    posts.astype(">i2").tofile(path)
    return path


@pytest.fixture(scope="module")
def srtm3() -> NDArray[np.int16]:
    random_heights = np.random.default_rng(4).integers(0, 300, (1201, 1201)).astype(np.int16)
    random_heights[600, 600] = -32768
    return random_heights


def test_an_hgt_tile_lies_where_its_name_says(tmp_path: Path, srtm3: NDArray[np.int16]) -> None:
    write_hgt(tmp_path, "N31E121.hgt", srtm3)
    terrain = open_tiles(tmp_path)
    corners = np.array([[121.0, 32.0], [122.0, 32.0], [121.0, 31.0], [122.0, 31.0]])
    np.testing.assert_array_equal(
        terrain.heights_amsl_m(corners), srtm3[[0, 0, -1, -1], [0, -1, 0, -1]].astype(float)
    )
    assert np.isnan(terrain.heights_amsl_m(np.array([[121.5, 31.5]]))[0])
    assert terrain.range_amsl_m(121.1, 31.1, 121.2, 31.2) == (0.0, 299.0)
    assert terrain.range_amsl_m(121.4, 31.4, 121.6, 31.6) is None


def test_both_resolutions_and_all_quadrants_are_named(tmp_path: Path) -> None:
    with (tmp_path / "s02w003.HGT").open("wb") as file:
        file.truncate(2 * 3601 * 3601)
    tile = hgt_tile(tmp_path / "s02w003.HGT")
    assert (tile.rows, tile.lattice.west_deg, tile.lattice.north_deg) == (3601, -3.0, -1.0)


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("N31E121.hgt", 100, "has 100 bytes"),
        ("N31E121.hgt", 2 * 1201 * 1201 - 2, "bytes; a tile has"),
        ("tile.hgt", 2 * 1201 * 1201, "south-west corner"),
        ("N91E121.hgt", 2 * 1201 * 1201, "not on the globe"),
    ],
)
def test_a_wrong_hgt_file_is_named_with_the_reason(tmp_path: Path, name: str, size: int, reason: str) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(size)
    with pytest.raises(BadTile, match=reason) as caught:
        open_tiles(tmp_path)
    assert str(caught.value).startswith(name)


def test_an_hgt_file_cut_after_it_was_found_is_told_when_it_is_read(tmp_path: Path, srtm3: NDArray[np.int16]) -> None:
    path = write_hgt(tmp_path, "N31E121.hgt", srtm3)
    terrain = open_tiles(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadTile, match=r"N31E121\.hgt: was cut"):
        terrain.heights_amsl_m(np.array([[121.5, 31.2]]))


@pytest.mark.parametrize(
    "options",
    [{}, {"tile": (64, 64)}, {"compression": "zlib"}, {"compression": "zlib", "predictor": 2, "tile": (64, 64)}],
)
@pytest.mark.parametrize("kind", ["<i2", ">i2", "<f4"])
def test_a_geotiff_is_read_however_it_is_cut_and_packed(tmp_path: Path, kind: str, options: dict[str, Any]) -> None:
    posts = np.round(degree(121.0, 32.0)).astype(kind)
    if kind == "<f4":
        options = {name: value for name, value in options.items() if name != "predictor"}
    write_tif(tmp_path / "a.tif", posts, 121.0, 32.0, byteorder=kind[0], **options)
    lonlat = np.random.default_rng(2).uniform((121.0, 31.0), (122.0, 32.0), (50, 2))
    np.testing.assert_allclose(open_tiles(tmp_path).heights_amsl_m(lonlat), ground(*lonlat.T), atol=1.0)


def test_a_pixel_that_is_an_area_counts_at_its_centre(tmp_path: Path) -> None:
    """The same posts told both ways: by their own places, and by the corner of the first pixel."""
    posts = degree(121.0, 32.0)
    folders = {1: tmp_path / "area", 2: tmp_path / "point"}
    for raster, folder in folders.items():
        folder.mkdir()
        half = STEP / 2 if raster == 1 else 0.0
        write_tif(folder / "a.tif", posts, 121.0 - half, 32.0 + half, geo=keys(k1025=raster))
    lonlat = np.random.default_rng(2).uniform((121.0, 31.0), (122.0, 32.0), (50, 2))
    for folder in folders.values():
        np.testing.assert_allclose(open_tiles(folder).heights_amsl_m(lonlat), ground(*lonlat.T), atol=1e-3)


@pytest.mark.parametrize(("nodata", "void"), [("-9999", -9999.0), ("nan", np.nan), (None, -32767.0)])
def test_a_void_is_no_data_declared_or_not(tmp_path: Path, nodata: str | None, void: float) -> None:
    posts = degree(121.0, 32.0)
    posts[60, 60] = void
    write_tif(tmp_path / "a.tif", posts, 121.0, 32.0, nodata=nodata)
    heights = open_tiles(tmp_path).heights_amsl_m(np.array([[121.5, 31.5], [121.25, 31.5]]))
    assert np.isnan(heights[0])
    assert heights[1] == pytest.approx(ground(np.array(121.25), np.array(31.5)), abs=1e-3)


@pytest.mark.parametrize(
    ("geo", "reason"),
    [
        ((), "no GeoTIFF keys"),
        (keys(k1024=1, k3072=4549), "they must be WGS-84"),
        (keys(k2048=4490), "they must be WGS-84"),
        (keys(k2054=9101), "not in degrees"),
        (keys(k4096=4979), "must be over EGM96"),
        (keys(k4099=9002), "not in metres"),
    ],
)
def test_another_coordinate_system_is_refused_with_its_name(
    tmp_path: Path, geo: tuple[int, ...], reason: str
) -> None:
    path = write_tif(tmp_path / "a.tif", degree(121.0, 32.0), 121.0, 32.0, geo=geo)
    with pytest.raises(BadTile, match=reason):
        geotiff_tile(path)


@pytest.mark.parametrize(
    ("posts", "options", "reason"),
    [
        (np.zeros((20, 20), "<f8"), {}, "int16 or float32"),
        (np.zeros((20, 20, 3), "<i2"), {"photometric": "rgb"}, "one band"),
        (np.zeros((20, 20), "<i2"), {"step": 2.0}, "apart"),
        (np.zeros((20, 20), "<i2"), {"step": 0.0}, "apart"),
        (np.zeros((20, 20), "<i2"), {"nodata": "none"}, "GDAL_NODATA"),
        (np.zeros((1, 20), "<i2"), {}, "at least 2"),
    ],
)
def test_a_picture_that_is_no_tile_is_refused(
    tmp_path: Path, posts: NDArray[Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadTile, match=reason):
        geotiff_tile(write_tif(tmp_path / "a.tif", posts, 121.0, 32.0, **options))


def test_a_huge_picture_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", np.zeros((20, 20), "<i2"), 121.0, 32.0)
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("ImageWidth", "ImageLength"):
            file.pages[0].tags[name].overwrite(65_000)  # type: ignore[union-attr]
    with pytest.raises(BadTile, match="at most 40,000,000"):
        open_tiles(tmp_path)


def test_a_file_that_ends_early_is_refused_not_filled_with_zeros(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", degree(121.0, 32.0), 121.0, 32.0)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BadTile, match=r"a\.tif: is cut off"):
        open_tiles(tmp_path)


@pytest.mark.thorough
def test_damaged_files_are_refused_and_nothing_else_happens(tmp_path: Path) -> None:
    whole = write_tif(tmp_path / "a.tif", degree(121.0, 32.0), 121.0, 32.0, compression="zlib").read_bytes()
    dice = random.Random(9)
    refused = 0
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(min(len(data), 600))] = dice.randrange(256)
        (tmp_path / "a.tif").write_bytes(data[: dice.randint(8, len(data))])
        try:
            low, high = open_tiles(tmp_path).range_amsl_m(121.3, 31.3, 121.5, 31.5) or (0.0, 0.0)
        except BadTile as error:
            refused += str(error).startswith("a.tif: ")
        else:
            assert -500.0 <= low <= high <= 9000.0
    assert refused > 60


@pytest.mark.parametrize("shared", [True, False])
def test_tiles_join_without_a_seam(tmp_path: Path, shared: bool) -> None:
    """SRTM's tiles repeat their neighbours' edge; others end one post before it."""
    count = 121 if shared else 120
    for west in (120.0, 121.0):
        for north in (31.0, 32.0):
            write_tif(tmp_path / f"{west}-{north}.tif", degree(west, north, count=count), west, north)
    terrain = open_tiles(tmp_path)
    lonlat = np.random.default_rng(2).uniform((120.9, 30.9), (121.1, 31.1), (200, 2))
    lonlat[:4] = [(121.0, 31.0), (121.0 - STEP / 2, 31.05), (120.95, 31.0 + STEP / 2), (120.9999, 31.0001)]
    np.testing.assert_allclose(terrain.heights_amsl_m(lonlat), ground(*lonlat.T), atol=1e-3)
    low, high = terrain.range_amsl_m(120.95, 30.95, 121.05, 31.05) or (np.nan, np.nan)
    assert low == pytest.approx(ground(np.array(120.95), np.array(30.95)), abs=1e-3)
    assert high == pytest.approx(ground(np.array(121.05), np.array(31.05)), abs=1e-3)


def test_a_post_that_two_tiles_share_is_known_when_either_knows_it(tmp_path: Path) -> None:
    """The void lies on the edge of the tile in the west, then on that of the tile in the east."""
    for folder, void_west in ((tmp_path / "a", True), (tmp_path / "b", False)):
        folder.mkdir()
        west, east = degree(120.0, 32.0), degree(121.0, 32.0)
        (west if void_west else east)[:, -1 if void_west else 0] = np.nan
        write_tif(folder / "120.tif", west, 120.0, 32.0)
        write_tif(folder / "121.tif", east, 121.0, 32.0)
        height = open_tiles(folder).heights_amsl_m(np.array([[121.0, 31.5]]))[0]
        assert height == pytest.approx(ground(np.array(121.0), np.array(31.5)), abs=1e-3)


def test_the_finer_tile_counts_where_two_overlap(tmp_path: Path) -> None:
    write_tif(tmp_path / "a-coarse.tif", np.full((121, 121), 50, "<i2"), 121.0, 32.0)
    write_tif(tmp_path / "b-fine.tif", np.full((121, 121), 9, "<i2"), 121.0, 32.0, step=STEP / 4)
    heights = open_tiles(tmp_path).heights_amsl_m(np.array([[121.1, 31.9], [121.9, 31.1], [123.0, 31.5]]))
    np.testing.assert_array_equal(heights, [9.0, 50.0, np.nan])


def test_only_tiles_that_are_asked_for_are_read_and_few_stay(tmp_path: Path) -> None:
    for west in range(110, 118):
        write_tif(tmp_path / f"{west}.tif", np.full((120, 120), west, "<i2"), float(west), 32.0)
    cache = TileCache(most_bytes=2 * 120 * 120 * 4)
    tiles = [geotiff_tile(path) for path in sorted(tmp_path.iterdir())]
    terrain = LatticeTerrain(MosaicPosts(tiles, cache))
    assert cache.held_bytes == 0
    for west in (*range(110, 118), 110):
        assert terrain.heights_amsl_m(np.array([[west + 0.5, 31.5]]))[0] == west
        assert cache.held_bytes <= cache.most_bytes
    damaged = tmp_path / "111.tif"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    assert terrain.heights_amsl_m(np.array([[112.5, 31.5]]))[0] == 112  # the damaged neighbour is not touched
    with pytest.raises(BadTile, match=r"111\.tif"):
        terrain.heights_amsl_m(np.array([[111.5, 31.5]]))


def test_a_folder_without_tiles_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(BadTile, match=r"holds no \.hgt or \.tif file"):
        open_tiles(tmp_path)
    with pytest.raises(BadTile, match="No such file"):
        open_tiles(tmp_path / "absent")
