"""Where notifications go: one file a sink."""
