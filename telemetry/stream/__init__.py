"""The live stream: one table of the whole fleet, encoded once per audience, for any number of viewers."""
