"""Marquee online: the ranked page in milliseconds."""

from importlib.metadata import version

__version__ = version("marquee-online")
