"""Frames of states: every row is encoded once per sequence and choice of fields, every frame once per audience."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from telemetry.messages import VehicleState
from telemetry.stream import fields
from telemetry.stream.audience import Audience
from telemetry.stream.contract import Snapshot, Tick, Update
from telemetry.stream.fields import NAMES, SCALES
from telemetry.stream.frames import Encoding, Sent
from telemetry.stream.table import Table, told_row

_Rows = dict[int, Any]


def table_of(chosen: Sequence[int]) -> list[tuple[str, float]]:
    """The field table as a snapshot tells it."""
    return [(NAMES[at], SCALES[NAMES[at]]) for at in chosen]


class StateFrames:
    """Frames of the table's states as of one sequence and instant; `advance` begins the next."""

    def __init__(self, table: Table, epoch: str) -> None:
        self._table = table
        self._epoch = epoch
        self._seq, self._mono_s, self._at = 0, 0.0, ""
        self._rows: dict[tuple[tuple[int, ...], Encoding], _Rows] = {}
        self._ticks: dict[tuple[Audience, Encoding, int, int], tuple[Sent, bool]] = {}
        self._records: dict[Encoding, dict[int, tuple[int, Any]]] = {each: {} for each in Encoding}

    @property
    def seq(self) -> int:
        return self._seq

    def advance(self, seq: int, mono_s: float, at: str) -> None:
        self._seq, self._mono_s, self._at = seq, mono_s, at
        self._rows.clear()
        self._ticks.clear()

    def restamp(self, seq: int) -> None:
        """The same states go on with a later sequence: news were told meanwhile."""
        self._seq = seq
        self._ticks.clear()

    def tick(self, audience: Audience, encoding: Encoding, since: int, rows_since: int) -> tuple[Sent, bool]:
        """The frame for an audience that has all until `since`, and whether it says anything."""
        key = (audience, encoding, since, rows_since)
        if key not in self._ticks:
            rows = self.rows(audience, encoding, rows_since)
            changed = [
                encoding.plain(self._table.record(each, since))
                for each in self._table.records_since(audience.scope, since)
            ]
            gone = self._table.gone_since(audience.scope, since)
            frame = Tick(self._epoch, self._seq, self._at, rows, changed, gone)
            self._ticks[key] = Sent(encoding.join(frame), encoding), bool(rows or changed or gone)
        return self._ticks[key]

    def snapshot(self, audience: Audience, encoding: Encoding, **more: Any) -> Snapshot:
        """Everything of the audience; `more` is what the table does not hold."""
        return Snapshot(
            self._epoch,
            self._seq,
            self._at,
            fields=table_of(audience.fields),
            vehicles=self._whole_records(audience, encoding),
            rows=self.rows(audience, encoding, -1),
            **more,
        )

    def update(self, state: VehicleState, count: int, at: str, chosen: Sequence[int], encoding: Encoding) -> Sent:
        """The frame of one update of a followed vehicle."""
        number = self._table.number[state.vehicle_id]
        row = _picked(told_row(number, state), chosen)
        changed = self._table.difference(number, state)
        return Sent(encoding.encode(Update(self._epoch, self._seq, at, count, row, changed)), encoding)

    def rows(self, audience: Audience, encoding: Encoding, since: int) -> list[Any]:
        """Encoded rows of those that changed after `since`."""
        known = self._rows.setdefault((audience.fields, encoding), {})
        wanted = self._table.rows_since(audience, since)
        missing = (
            wanted if not known else np.array([each for each in wanted.tolist() if each not in known], dtype=int)
        )
        if len(missing):
            listed = self._table.listed(missing, self._mono_s)
            for number, row in zip(missing.tolist(), listed, strict=True):
                known[number] = encoding.plain(_picked(row, audience.fields))
        return [known[number] for number in wanted.tolist()]

    def _whole_records(self, audience: Audience, encoding: Encoding) -> list[Any]:
        known = self._records[encoding]
        records = []
        for number in self._table.records_since(audience.scope, -1):
            seq = int(self._table.slow_seq[number])
            if number not in known or known[number][0] != seq:
                known[number] = seq, encoding.plain(self._table.record(number))
            records.append(known[number][1])
        return records


def _picked(row: list[int | None], chosen: Sequence[int]) -> list[int | None]:
    if len(chosen) == len(fields.ALL):
        return row
    return [*row[:3], *(row[3 + at] for at in chosen)]
