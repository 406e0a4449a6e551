"""Models: references, descriptors and where their bytes are."""
