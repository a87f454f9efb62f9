"""The command hall's own rules (units, duty, authority, control): empty until the first of them is built."""
