"""Serves the published feeds over HTTP."""

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8737
