"""Prometheus metrics: fixed names, read when somebody asks; nothing on a hot path knows of them."""
