"""Serves the published feeds over HTTP."""
