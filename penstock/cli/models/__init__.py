"""``penstock models``: what can be scored, by which versions, and how workers stand with it."""
