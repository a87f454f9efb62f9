"""Values only: places, altitudes, ids, time, errors and the bus port. Standard library only."""
