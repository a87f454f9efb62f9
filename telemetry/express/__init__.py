"""The express way: what comes all the time from vehicles that nobody waits for, taken in batches by compiled code.

It decides, counts and keeps exactly what `Fleet._pass` does for one datagram, on the same memory (`telemetry.board`).
Whatever it does not know how to take, it leaves, in its turn, to the way that is written in Python: a vehicle that
flies for us, one that somebody listens to, news, and everything that is new, late, damaged, signed or over a bound.
Without a compiler nothing is missing but speed.
"""
