"""Reads git repositories through the git command, without a checkout and without what did not change."""

from feedbot.sources.posts.git.address import Access
from feedbot.sources.posts.git.history import Commit, FileDates
from feedbot.sources.posts.git.local import LocalRepository
from feedbot.sources.posts.git.objects import Blob
from feedbot.sources.posts.git.past import Past
from feedbot.sources.posts.git.repository import Repository

__all__ = ["Access", "Blob", "Commit", "FileDates", "LocalRepository", "Past", "Repository"]
