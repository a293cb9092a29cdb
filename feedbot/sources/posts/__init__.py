"""Blogs kept as Markdown posts with front matter in a folder."""

from feedbot.sources.posts.source import PostsSource

__all__ = ["PostsSource"]
