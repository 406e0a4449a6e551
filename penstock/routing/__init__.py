"""The routing document: what it may say, and how it is compiled to look-ups."""
