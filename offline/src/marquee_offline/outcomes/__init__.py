"""Outcomes: what users did with what they were shown, by where and by arm."""
