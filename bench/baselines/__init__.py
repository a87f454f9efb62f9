"""The usual way, written as tutorials write it: what ours is compared with, in the same run."""
