"""Drivers live here and nowhere else: the SQLite store and the two buses."""
