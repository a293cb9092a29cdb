"""How a change reads: as JSON, as a mail, as lines for a terminal. Nothing here sends anything."""
