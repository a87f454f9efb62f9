"""A plan drawn for people: a map and an altitude profile as SVG, and a page around them."""
