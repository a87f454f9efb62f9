"""Numbered SQL scripts of the telemetry database, which is apart so that it never holds up the journal."""
