"""Forwarding (数据转发): what other systems are told, how often, and what is kept for those that are away."""
