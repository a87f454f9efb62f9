"""The schema of the embedded store, as numbered SQL scripts."""
