"""Marquee shared."""
