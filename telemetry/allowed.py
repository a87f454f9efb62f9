"""Which messages the platform acts on and which it sends, by name: the whole of what can cross a link.

Everything else that has a right checksum is recorded, and nothing more. In particular there is no SERIAL_CONTROL (a
shell on some autopilots, CVE-2026-1579), no FILE_TRANSFER_PROTOCOL, and no SETUP_SIGNING but at the bench
(`telemetry.provisioning`).
"""

from __future__ import annotations

ACCEPTED = frozenset(
    {
        "ATTITUDE", "AUTOPILOT_VERSION", "COMMAND_ACK", "EKF_STATUS_REPORT", "EXTENDED_SYS_STATE", "FENCE_STATUS",
        "GLOBAL_POSITION_INT", "GPS_RAW_INT", "HEARTBEAT", "HOME_POSITION", "LOG_ENTRY", "MISSION_ACK",
        "MISSION_COUNT", "MISSION_CURRENT", "MISSION_ITEM_INT", "MISSION_ITEM_REACHED", "MISSION_REQUEST",
        "MISSION_REQUEST_INT", "PARAM_ERROR", "PARAM_VALUE", "RC_CHANNELS", "STATUSTEXT", "SYSTEM_TIME",
        "SYS_STATUS", "TIMESYNC", "VIBRATION",
    }
)  # fmt: skip

SENT = frozenset(
    {
        "COMMAND_INT", "COMMAND_LONG", "HEARTBEAT", "LOG_REQUEST_LIST", "MISSION_ACK", "MISSION_CLEAR_ALL",
        "MISSION_COUNT", "MISSION_ITEM_INT", "MISSION_REQUEST_INT", "MISSION_REQUEST_LIST", "PARAM_REQUEST_LIST",
        "PARAM_REQUEST_READ", "PARAM_SET", "TIMESYNC",
    }
)  # fmt: skip

# What no telemetry log keeps: keys, and files that nobody asked for.
NEVER_RECORDED = frozenset({"SETUP_SIGNING", "FILE_TRANSFER_PROTOCOL", "SERIAL_CONTROL"})
