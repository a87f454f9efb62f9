"""An ArduCopter-like fleet on the other end of a real socket; an independent peer that speaks only MAVLink 2."""
