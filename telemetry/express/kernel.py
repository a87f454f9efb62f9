"""The express way's inner loop, compiled; imports numba, so only who has much to take imports it."""

from __future__ import annotations

from typing import Any

import numpy as np

from geofence.compiled import compiled
from telemetry.board import (
    ALL,
    ATTITUDE,
    BATTERY,
    FIRST_KIND,
    FLIES,
    HEARD,
    LOGS,
    PLACED,
    POSITION,
    SEEN_BYTES,
    Ground,
)
from telemetry.express import tables
from telemetry.express.tables import Ints, Log, Octets, Rules, Seats
from telemetry.identity import LIVE_S
from telemetry.links.batch import MAX_DATAGRAM, Datagrams
from telemetry.links.meter import ALL_SEEN, REORDER_WINDOW
from telemetry.links.quota import Buckets
from telemetry.packets import KINDS, Heartbeat

# numba takes numbers of a module as they are, and none of a class.
_VERSION, _ROW, _EXPECTED, _BUCKET = tables.VERSION, tables.ROW, tables.EXPECTED, tables.BUCKET
_LINK, _USED, _CAME = tables.LINK, tables.USED, tables.SEEN
_HOW, _EXTRA, _KIND, _BEGIN, _END = tables.HOW, tables.EXTRA, tables.KIND, tables.BEGIN_1, tables.END_1
_MORE, _LESS = tables.BEGIN_2, tables.END_2
_PLACE, _LEAN, _POWER, _REPEAT = tables.PLACE, tables.LEAN, tables.POWER, tables.REPEAT
_FRAMES, _OCTETS, _LOGGED, _LOST = tables.FRAMES, tables.OCTETS, tables.LOGGED, tables.LOST
_TABLE, _MAX = tables.TABLE - 1, MAX_DATAGRAM
_POSITION, _POSITION_SIZE, _POSITION_WAITS = POSITION
_ATTITUDE, _ATTITUDE_SIZE, _ATTITUDE_WAITS = ATTITUDE
_BATTERY, _BATTERY_SIZE, _BATTERY_WAITS = BATTERY
_HEARTBEAT = FIRST_KIND + KINDS[Heartbeat]
_ALL, _LIVE_S, _SEEN = np.uint32(ALL), LIVE_S, SEEN_BYTES
_HEADER, _CHECKSUM = 10, 2

Number = Any  # whatever numba makes of it


@compiled
def _sum_of(data: Octets, size: Number, extra: Number, crc_of: Ints) -> Number:
    """CRC-16/MCRF4XX of a frame of so many bytes and its message's own byte."""
    crc = 0xFFFF
    for at in range(1, size - _CHECKSUM):
        crc = crc >> 8 ^ crc_of[(crc ^ np.int64(data[at])) & 0xFF]
    return crc >> 8 ^ crc_of[(crc ^ extra) & 0xFF]


@compiled
def _int32(data: Octets, at: Number, end: Number) -> Number:
    """Four bytes of a payload whose zeros at the end were not sent."""
    value: Number = 0
    for shift in range(4):
        if at + shift < end:
            value |= np.int64(data[at + shift]) << 8 * shift
    return value - (1 << 32) if value >= 1 << 31 else value


@compiled
def _keep(octets: Octets, at: Number, data: Octets, end: Number, size: Number) -> None:
    """Copies a payload; what was not sent of it is zero."""
    for byte in range(size):
        octets[at + byte] = data[_HEADER + byte] if _HEADER + byte < end else 0


@compiled
def _span(  # noqa: PLR0917
    data: Octets, known: Octets, at: Number, begin: Number, end: Number, last: Number
) -> Number:
    """Compares a part of the payload with what is known from `at` on; how much that was, -1 when it differs."""
    same = 0
    for byte in range(begin, min(end, last - _HEADER)):
        if at + same >= len(known) or known[at + same] != data[_HEADER + byte]:
            return -1
        same += 1
    return same


@compiled
def _is_known(data: Octets, end: Number, lane: Ints, known: Octets, size: Number) -> Number:
    """Whether the part of the payload that is used came so before."""
    first: Number = _span(data, known, 0, lane[_BEGIN], lane[_END], end)
    if first < 0:
        return False
    second = _span(data, known, first, lane[_MORE], lane[_LESS], end)
    return second >= 0 and first + second == size


@compiled
def _seat(keys: Ints, at: Number, seats: Ints, key: Number, link: Number) -> Number:
    """Where a sender sits; -1: nowhere."""
    slot = ((key ^ key >> 21) & 0x3FFFFFFF) * 0x9E3779B1 >> 24 & _TABLE
    while at[slot] >= 0:
        if keys[slot] == key and seats[at[slot], _LINK] == link:
            return np.int64(at[slot])
        slot = slot + 1 & _TABLE
    return -1


@compiled
def take(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one loop, which calls nothing that is not inlined
    datagrams: Datagrams,
    begin: Number,
    count: Number,
    link: Number,
    version: Number,
    now_s: float,
    frames: Number,
    rules: Rules,
    table: Seats,
    ground: Ground,
    buckets: Buckets,
    per_s: float,
    at_once: float,
    log: Log,
    room: Number,
    counts: Ints,
) -> Number:
    """Takes datagrams from `begin` on, up to the first that it does not know how to take, of which nothing has
    happened then; that one's number, or `count`.

    `frames`: of the link so far. `per_s`, `at_once`: what a sender may say. `room`: for positions in the log.
    `counts`: what was taken is added up there.
    """
    keys, seat_at, seats, seat_heard_s = table.keys, table.at, table.seats, table.heard_s
    lane_of, lanes, crc_of = rules.lane_of, rules.lanes, rules.crc
    octets, times, changes, waited = ground.octets, ground.times, ground.changes, ground.waited
    data: Number
    for number in range(begin, count):
        data, size, peer = datagrams.data[number], np.int64(datagrams.sizes[number]), datagrams.peers[number]
        # `framing.plain_frame`, but for the checksum.
        if size < 12 or size > _MAX or data[0] != 0xFD or data[2] != 0 or data[1] + 12 != size or data[6] != 1:
            return number
        message_id = np.int64(data[7]) | np.int64(data[8]) << 8
        if data[9] != 0 or lane_of[message_id] == 0:
            return number
        address = np.int64(0)
        for byte in (4, 5, 6, 7, 2, 3):
            address = address << 8 | np.int64(peer[byte])
        seat = _seat(keys, seat_at, seats, address << 8 | np.int64(data[5]), link)
        if seat < 0 or seats[seat, _VERSION] != version or seats[seat, _EXPECTED] < 0:
            return number
        # `SequenceWatch.take`, but for what came before, or begins anew.
        ahead = (np.int64(data[4]) - seats[seat, _EXPECTED] + 1) & 0xFF
        if ahead < 1 or ahead > 127:
            return number
        row, lane = seats[seat, _ROW], lanes[lane_of[message_id]]
        how, kind = lane[_HOW], lane[_KIND]
        if waited[row] == _ALL or now_s - seat_heard_s[seat] > _LIVE_S:
            return number
        if kind >= 0 and waited[row] >> np.uint32(kind) & 1:
            return number
        # `SenderQuota.admits`.
        bucket = seats[seat, _BUCKET]
        if buckets.owners[bucket] != address:
            return number
        tokens = min(buckets.tokens[bucket] + (now_s - buckets.at_s[bucket]) * per_s, at_once)
        if tokens < 1.0:
            return number
        end = size - _CHECKSUM
        if how >= _POWER and not _is_known(data, end, lane, ground.known[row, kind], ground.known_size[row, kind]):
            return number
        boot_ms = np.int64(0)
        is_logged = False
        if how == _PLACE:
            boot_ms = _int32(data, _HEADER, end) & 0xFFFFFFFF
            lat_e7, lon_e7 = _int32(data, _HEADER + 4, end), _int32(data, _HEADER + 8, end)
            # `fold.is_place_e7`.
            is_place = abs(lat_e7) <= 900000000 and abs(lon_e7) <= 1800000000 and (lat_e7 != 0 or lon_e7 != 0)
            is_logged = is_place and ground.flags[row, LOGS] != 0
            # `reboot.BootWatch.take`, as nearly always.
            if ground.boot_ms[row] < 0 or boot_ms < ground.boot_ms[row] or (is_logged and counts[_LOGGED] >= room):
                return number
        if _sum_of(data, size, lane[_EXTRA], crc_of) != (np.int64(data[end]) | np.int64(data[end + 1]) << 8):
            return number
        # From here on it is taken.
        buckets.tokens[bucket], buckets.at_s[bucket] = tokens - 1.0, now_s
        counts[_FRAMES] += 1
        counts[_OCTETS] += size
        came = seats[seat, _CAME]
        if ahead > 1 or came != ALL_SEEN:
            counts[_LOST] += max(0, ahead - REORDER_WINDOW)
            for gone in range(max(0, REORDER_WINDOW - ahead), REORDER_WINDOW):
                counts[_LOST] += 1 - (came >> gone & 1)
            seats[seat, _CAME] = (came << ahead | 1) & ALL_SEEN if ahead < REORDER_WINDOW else 1
        seats[seat, _EXPECTED] = (data[4] + 1) & 0xFF
        seats[seat, _USED] = frames + counts[_FRAMES]
        seat_heard_s[seat] = times[row, HEARD] = now_s
        if kind >= 0:
            times[row, FIRST_KIND + kind] = now_s
        at = row * _SEEN
        if how == _LEAN:
            _keep(octets, at + _ATTITUDE, data, end, _ATTITUDE_SIZE)
            octets[at + _ATTITUDE_WAITS] = 1
            changes[row] += 1
        elif how == _POWER:
            _keep(octets, at + _BATTERY, data, end, _BATTERY_SIZE)
            octets[at + _BATTERY_WAITS] = 1
            changes[row] += 1
        elif how == _PLACE:
            ground.boot_ms[row] = boot_ms
            if ground.flags[row, FLIES]:
                ground.flew_s[row] = now_s
            if is_place:
                times[row, PLACED] = now_s
                _keep(octets, at + _POSITION, data, end, _POSITION_SIZE)
                octets[at + _POSITION_WAITS] = 1
                changes[row] += 1
            if is_logged:
                logged = counts[_LOGGED]
                log.rows[logged], log.ages_s[logged] = row, now_s - times[row, _HEARTBEAT]
                log.seen[logged] = octets[at : at + _SEEN]
                counts[_LOGGED] += 1
    return count
