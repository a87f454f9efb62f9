"""Heartbeats to the vehicles from a small process of their own, fed by the gateway's command core."""
