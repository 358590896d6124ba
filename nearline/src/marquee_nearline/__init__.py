"""Marquee nearline."""
