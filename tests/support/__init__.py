"""Real servers and small builders that tests share."""
