"""Marquee nearline: every event folded into its user's state, exactly once."""

from importlib.metadata import version

__version__ = version("marquee-nearline")
