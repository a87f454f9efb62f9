"""Patterns: pure functions from a drawn geometry and parameters to the pieces of a path."""
