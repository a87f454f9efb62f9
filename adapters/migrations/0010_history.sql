-- What happened in a time that is over is looked for by when it was: sorties and alarms are so already.

CREATE INDEX commands_by_time ON commands (issued_at DESC);
