"""Posters: what the themes of drawn artwork look like."""
