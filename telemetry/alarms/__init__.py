"""Alarms of the fleet: what a look at a vehicle's record shows, and the book of what is open."""
