"""Marquee offline: Spark trains, evaluates, gates and publishes."""

from importlib.metadata import version

__version__ = version("marquee-offline")
