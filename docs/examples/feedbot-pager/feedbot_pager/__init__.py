"""Sends pages for feedbot, and reads the log of pages that were sent."""
