"""`bailu doctor`: looks at everything that the platform needs of its machine, changes nothing, says what to do."""
