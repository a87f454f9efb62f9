"""HTTP, WebSocket and the command line: the people's side, and the composition root."""
