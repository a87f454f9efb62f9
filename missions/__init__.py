"""Missions: patterns, plans, energy, the sortie life cycle and the ports they need. Pure."""
