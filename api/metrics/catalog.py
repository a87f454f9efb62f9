"""Every metric with its kind, its labels and what it tells: the contract that dashboards and alerts rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Prometheus's types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One name. `labels`: in the order in which readings give their values; `gateway` comes before these."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

# Of a gateway: told over the bus, with the gateway's name as the first label.
OF_GATEWAY = (
    Metric("bailu_link_state", _G, "1 for the state the link is in: up, down, replaying", ("link", "state")),
    Metric("bailu_link_connects_total", _C, "How often the link came up", ("link",)),
    Metric("bailu_link_receive_bytes_total", _C, "Bytes received", ("link",)),
    Metric("bailu_link_transmit_bytes_total", _C, "Bytes sent", ("link",)),
    Metric("bailu_link_frames_total", _C, "MAVLink frames with a right checksum", ("link",)),
    Metric("bailu_link_bad_crc_total", _C, "Damaged frames, or runs of bytes that are none", ("link",)),
    Metric("bailu_link_duplicates_total", _C, "Frames that came twice", ("link",)),
    Metric("bailu_link_oversized_total", _C, "Datagrams larger than any MAVLink link's", ("link",)),
    Metric("bailu_link_refused_total", _C, "Datagrams and peers over a bound", ("link",)),
    Metric("bailu_link_unsent_total", _C, "Frames dropped because a peer does not read", ("link",)),
    Metric("bailu_link_dropped_total", _C, "Datagrams that the kernel had no room for", ("link",)),
    Metric("bailu_link_lost_ratio", _G, "Share of frames lost in the last minute, by sequence numbers", ("link",)),
    Metric("bailu_link_rtt_seconds", _G, "Round trip by TIMESYNC to the vehicle that answers best", ("link",)),
    Metric(
        "bailu_strangers_refused_total",
        _C,
        "Messages not listened to: more places speak than a gateway hears (`places`), more as one vehicle than are "
        "tried (`candidates`), or places that have proven nothing say more than 2 000 messages a second (`unproven`: "
        "only what tells who they are is read)",
        ("bound",),
    ),
    Metric("bailu_follow_refused_total", _C, "Asks to follow a vehicle beyond the 256 at once of a gateway"),
    Metric("bailu_vehicles", _G, "Vehicles by how well they are heard", ("link_state",)),
    Metric("bailu_sorties", _G, "Sorties that are being prepared or flown", ("state",)),
    Metric("bailu_alarm_open", _G, "Open alarms", ("kind", "severity")),
    Metric(
        "bailu_command_total", _C, "Commands by how they ended: done, or the slug of the problem", ("kind", "result")
    ),
    Metric("bailu_command_duration_seconds", _H, "From the request to the observed effect", ("kind",)),
    Metric("bailu_tick_duration_seconds", _H, "One look at the whole fleet: fences, alarms, encoding"),
    Metric("bailu_tick_lateness_seconds", _H, "How much later than due a tick began"),
    Metric("bailu_recorder_rows_total", _C, "Rows written and synced"),
    Metric("bailu_recorder_waiting_rows", _G, "Rows taken and not written yet"),
    Metric("bailu_recorder_lost_rows_total", _C, "Rows given up: the disk is full or the store away"),
    Metric("bailu_recorder_lost_log_bytes_total", _C, "Bytes of raw frames given up"),
    Metric("bailu_recorder_lost_events_total", _C, "Events given up"),
    Metric("bailu_recorder_shed_level", _G, "0 all is recorded, 1 no raw frames, 2 a row a second, 3 nothing"),
    Metric("bailu_recorder_degraded", _G, "1 when not everything is recorded, or nothing could be written now"),
    Metric("bailu_recorder_open_logs", _G, "Sorties whose raw log is being written"),
    Metric("bailu_gateway_heart_beating", _G, "1 while heartbeats go out to the vehicles"),
)

# Of the process that is asked.
OF_PROCESS = (
    Metric("bailu_info", _G, "1; the labels tell the version and the role", ("version", "role")),
    Metric("bailu_gateway_up", _G, "1 when the gateway answered this scrape", ("gateway",)),
    Metric("bailu_store_waiting", _G, "Jobs that wait for the database's thread", ("thread",)),
    Metric("bailu_store_refused_total", _C, "Jobs refused: too many, locked, or the disk says no", ("thread",)),
    Metric("bailu_store_job_duration_seconds", _H, "A job of the database; a write is on the disk then", ("thread",)),
    Metric("bailu_stream_viewers", _G, "Viewers connected"),
    Metric("bailu_stream_frames_total", _C, "Frames handed over to viewers: states and news"),
    Metric("bailu_stream_bytes_total", _C, "Their payloads, before compression"),
    Metric(
        "bailu_stream_starts_total", _C, "How viewers began: anew, resumed, or the gap that kept from it", ("how",)
    ),
    Metric("bailu_stream_drops_total", _C, "What was not delivered or not taken, and viewers cut", ("reason",)),
    Metric(
        "bailu_forward_state",
        _G,
        "1 for the state the target is in: idle, connected, away, paused",
        ("rule", "state"),
    ),
    Metric(
        "bailu_forward_sent_total",
        _C,
        "Events, and reports of one vehicle each, that a target took",
        ("rule", "what"),
    ),
    Metric("bailu_forward_lost_total", _C, "What was given up because the spool was full or old", ("rule", "what")),
    Metric("bailu_forward_dead_total", _C, "Events that the target refused for good", ("rule",)),
    Metric("bailu_forward_waiting", _G, "What waits in the spool", ("rule", "what")),
    Metric("bailu_forward_spool_bytes", _G, "Room that it takes", ("rule",)),
    Metric("bailu_http_requests_total", _C, "Requests answered", ("method", "route", "status")),
    Metric("bailu_http_request_duration_seconds", _H, "From the request to the last byte handed over", ("route",)),
)

GATEWAY_NAMES = frozenset(metric.name for metric in OF_GATEWAY)
CATALOG: Mapping[str, Metric] = {metric.name: metric for metric in (*OF_GATEWAY, *OF_PROCESS)}


def labels_of(metric: Metric) -> tuple[str, ...]:
    """The label names as they are exported."""
    return ("gateway", *metric.labels) if metric.name in GATEWAY_NAMES else metric.labels
