-- What became of commands is told to other systems as sorties are: committed together with what it tells of.

CREATE TRIGGER outbox_command_begins AFTER INSERT ON commands WHEN EXISTS (SELECT 1 FROM forwarding_rules)
BEGIN
    INSERT INTO outbox (what, stored_at, body) VALUES ('commands', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), NEW.body);
END;
CREATE TRIGGER outbox_command_ends AFTER UPDATE OF body ON commands
WHEN NEW.body IS NOT OLD.body AND EXISTS (SELECT 1 FROM forwarding_rules)
BEGIN
    INSERT INTO outbox (what, stored_at, body) VALUES ('commands', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), NEW.body);
END;
