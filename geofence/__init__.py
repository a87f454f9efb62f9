"""Zones, airspace versions, evaluation of paths and the on-board fence: pure functions over frozen values."""
