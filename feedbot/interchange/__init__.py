"""What other programs list of feeds, read into sources, sinks and what was seen; and OPML written."""
