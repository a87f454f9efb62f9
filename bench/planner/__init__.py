"""What the planner promises: safe, short and quick plans, each figure over a random set repeatable by its seed."""
