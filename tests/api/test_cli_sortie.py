"""`bailu sortie continue --preview` and `bailu vehicle logs`, as they ask and as they tell."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import sortie, vehicle_logs
from api.cli.main import app

Json = dict[str, Any]
PLAN = {"length_m": 812.4, "duration_s": 150.2, "battery_p95_pct": 41.0, "conflicts": []}


class Answering:
    """A platform that answers each path with what a test says, and remembers what it was asked."""

    def __init__(self, answers: dict[str, Json]) -> None:
        self.answers, self.asked = answers, list[str]()

    def __call__(self, _url: str) -> Answering:
        return self

    async def __aenter__(self) -> Answering:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def get(self, path: str) -> Json:
        self.asked.append(path)
        return self.answers[path]

    async def post(self, path: str, _body: Json, *_: object) -> Json:
        return await self.get(path)


def bailu(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(("conflicts", "code"), [([], 0), ([{"detail": "The leg 1 → 2 crosses 学校."}], 2)])
def test_going_on_is_previewed_without_launching(
    conflicts: list[Json], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/sorties/s-1/continue/preview"
    would = {"vehicle_id": "bl-02", "name": "river · 3…", "plan": PLAN | {"conflicts": conflicts}}
    platform = Answering({path: would})
    monkeypatch.setattr(sortie, "Platform", platform)
    told = bailu("sortie", "continue", "s-1", "--preview")
    assert (told.exit_code, platform.asked) == (code, [path]), told.output
    assert "bl-02 would fly river · 3…; 812 m, 150 s, battery 41 % with reserve" in " ".join(told.output.split())
    assert ("学校" in told.output) is bool(conflicts)


def test_logs_are_listed_with_what_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    logs = [
        {"id": 8, "ended_at": None, "size_bytes": 5},
        {"id": 9, "ended_at": "2026-11-01", "size_bytes": 2_400_000},
    ]
    listed = {"vehicle_id": "bl-01", "on_board": 9, "logs": logs}
    monkeypatch.setattr(vehicle_logs, "Platform", Answering({"/vehicles/bl-01/logs": listed}))
    told = bailu("vehicle", "logs", "bl-01")
    assert told.exit_code == 0, told.output
    for part in ("8", "unknown", "2026-11-01", "2.4 MB", "The newest 2 of 9 logs."):
        assert part in told.output
    listed |= {"on_board": 0, "logs": []}
    assert "bl-01 has no logs on board." in bailu("vehicle", "logs", "bl-01").output
