"""Mission files of other ground stations, read and written. Pure."""
