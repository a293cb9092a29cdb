"""A small blog and a small feed, which config.example.toml reads."""
