"""Forwarding at work: from what was committed and from the fleet's ticks to targets that may be slow or away."""
