"""Where entries come from: one package or module per kind of source."""
