"""The vehicles' side: the only MAVLink code of the service, and the streams that leave it."""
