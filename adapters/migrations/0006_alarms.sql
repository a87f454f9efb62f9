-- Alarms of vehicles. Who took note stands beside the alarm: another process writes it.

CREATE TABLE alarms (
    id TEXT PRIMARY KEY,
    vehicle_id TEXT NOT NULL,
    began_at TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    severity TEXT NOT NULL,
    body TEXT NOT NULL,
    acknowledged_at TEXT,
    acknowledged_by TEXT
) STRICT;
CREATE INDEX alarms_by_time ON alarms (began_at);
CREATE INDEX alarms_open ON alarms (vehicle_id) WHERE is_open;
