"""Marquee offline."""
