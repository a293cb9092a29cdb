"""Reads feeds: RSS, RDF, Atom and JSON Feed, over HTTP or from a file beside the configuration."""

from feedbot.sources.feed.source import FeedSettings, FeedSource

__all__ = ["FeedSettings", "FeedSource"]
