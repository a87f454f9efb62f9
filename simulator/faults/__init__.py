"""Faults as a kit: a bad link for UDP and TCP, and what can go wrong with a vehicle, in one vocabulary."""
