"""Settings: a TOML file into typed, validated settings, or a list of everything that is wrong with it."""

from feedbot.settings.find import find_config
from feedbot.settings.load import load
from feedbot.settings.model import Configuration, FeedbotSettings, FeedSettings, RouteSettings

__all__ = ["Configuration", "FeedSettings", "FeedbotSettings", "RouteSettings", "find_config", "load"]
