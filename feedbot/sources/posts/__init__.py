"""Blogs kept as Markdown posts with front matter in a folder or a git repository."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedbot.sources.posts.source import PostsSource

__all__ = ["PostsSource"]


def __getattr__(name: str) -> Any:
    """The source when it is asked for: processes that only render posts start in half the time without it."""
    if name != "PostsSource":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from feedbot.sources.posts.source import PostsSource

    return PostsSource
