"""Polls, publishes and delivers: the I/O around the decisions of :mod:`feedbot.core`."""
