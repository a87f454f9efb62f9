"""Tracks as files, written piece by piece: what a file needs of the rows is asked for as often as it needs it."""
