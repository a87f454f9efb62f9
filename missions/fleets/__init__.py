"""Several vehicles: who visits which points, in which order, how often, and who takes over when one drops out."""
