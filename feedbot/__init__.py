"""feedbot polls blogs and feeds, publishes feeds of its own and announces what is new.

A plugin may import :mod:`feedbot.plugins`, :mod:`feedbot.model`, :mod:`feedbot.errors` and :mod:`feedbot.http`;
everything else may change.
"""

__version__ = "0.1.0"
