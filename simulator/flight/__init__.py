"""The aircraft without its radio: motion, power, modes, missions, fences, failsafes; no sockets, no clock."""
