"""Every figure that the README quotes, one command each: `make bench [NAME=…]` prints a JSON line per figure."""
