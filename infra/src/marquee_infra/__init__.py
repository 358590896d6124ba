"""Marquee infra."""
