"""Drills: a whole platform flown through written faults, and what is expected of it judged."""
