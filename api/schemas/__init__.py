"""What HTTP says, as pydantic models; `of` makes one from a domain value."""
