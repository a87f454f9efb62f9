from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from adapters.terrain import TileFolder
from core.errors import TerrainUnusable


def hgt(folder: Path, amsl_m: int) -> None:
    posts = np.full((1201, 1201), amsl_m, dtype=">i2")
    (folder / "N31E121.hgt").write_bytes(posts.tobytes())


def test_a_folder_goes_to_another_process_and_is_read_there(tmp_path: Path) -> None:
    hgt(tmp_path, 7)
    sent = pickle.loads(pickle.dumps(TileFolder(tmp_path)))
    assert sent.heights_amsl_m(np.array([[121.5, 31.5], [122.5, 31.5]]))[0] == 7.0
    assert np.isnan(sent.heights_amsl_m(np.array([[122.5, 31.5]]))).all()
    assert sent.range_amsl_m(121.2, 31.2, 121.3, 31.3) == (7.0, 7.0)


def test_what_cannot_be_used_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(TerrainUnusable, match=r"holds no \.hgt"):
        TileFolder(tmp_path).open()
    (tmp_path / "N31E121.hgt").write_bytes(b"short")
    with pytest.raises(TerrainUnusable, match=r"N31E121\.hgt"):
        TileFolder(tmp_path).open()
