"""The assembled application: ports built once, routes collected, one ASGI wrapper around it all."""
