"""What is kept of flights: rows of numbers, coarser levels of them, for how long, and what files they become."""
