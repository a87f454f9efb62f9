-- Forwarding rules, and the outbox: what other systems are told of is committed together with what it tells of.
-- Nothing is written while there are no rules. Times are RFC 3339 in UTC.

CREATE TABLE forwarding_rules (
    id TEXT PRIMARY KEY,
    row_revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    secrets BLOB
) STRICT;
CREATE TABLE forwarding_version (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    stream TEXT NOT NULL
) STRICT;
INSERT INTO forwarding_version VALUES (1, 0, lower(hex(randomblob(8))));

-- AUTOINCREMENT: a number that was pruned is never given again.
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    what TEXT NOT NULL,
    stored_at TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TRIGGER outbox_alarm_begins AFTER INSERT ON alarms WHEN EXISTS (SELECT 1 FROM forwarding_rules)
BEGIN
    INSERT INTO outbox (what, stored_at, body) VALUES ('alarms', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), NEW.body);
END;
CREATE TRIGGER outbox_alarm_changes AFTER UPDATE ON alarms
WHEN (NEW.body IS NOT OLD.body OR NEW.acknowledged_at IS NOT OLD.acknowledged_at)
    AND EXISTS (SELECT 1 FROM forwarding_rules)
BEGIN
    INSERT INTO outbox (what, stored_at, body) VALUES (
        'alarms', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
        json_set(NEW.body, '$.acknowledged_at', NEW.acknowledged_at, '$.acknowledged_by', NEW.acknowledged_by)
    );
END;
CREATE TRIGGER outbox_sortie_begins AFTER INSERT ON sorties WHEN EXISTS (SELECT 1 FROM forwarding_rules)
BEGIN
    INSERT INTO outbox (what, stored_at, body) VALUES ('sorties', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), NEW.body);
END;
CREATE TRIGGER outbox_sortie_changes AFTER UPDATE OF body ON sorties
WHEN NEW.body IS NOT OLD.body AND EXISTS (SELECT 1 FROM forwarding_rules)
BEGIN
    INSERT INTO outbox (what, stored_at, body) VALUES ('sorties', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), NEW.body);
END;
