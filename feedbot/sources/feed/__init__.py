"""Reads feeds: RSS, RDF, Atom and JSON Feed, over HTTP or from a file beside the configuration."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedbot.sources.feed.source import FeedSettings, FeedSource

__all__ = ["FeedSettings", "FeedSource"]


def __getattr__(name: str) -> Any:
    """Load the source at its first use: the process that parses for it imports this package and needs neither."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from feedbot.sources.feed import source

    return getattr(source, name)
