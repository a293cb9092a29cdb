"""What posts hold beside Markdown, a module for each syntax."""
