"""feedbot polls blogs and feeds, publishes feeds of its own and announces what is new.

What a plugin may import is named here and in :mod:`feedbot.plugins`; everything else may change.
"""

__version__ = "0.1.0"
