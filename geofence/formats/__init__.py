"""Airspace files of other makers: read safely, repaired on the safe side with a report, and written. Pure."""
