"""The `bailu` command: one module per group of commands."""
