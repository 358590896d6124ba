"""Marquee online."""
