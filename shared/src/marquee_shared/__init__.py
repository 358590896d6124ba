"""The contracts between Marquee's tiers, and the equations that two of them must agree on."""
