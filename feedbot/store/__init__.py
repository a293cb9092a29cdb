"""The state store: all SQL is in here."""
