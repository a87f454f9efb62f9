"""The stream, measured: real datagrams in, real WebSocket clients out, each in processes of their own."""
