"""The MAVLink side of one simulated vehicle: channels, streams, parameters, missions, commands."""
