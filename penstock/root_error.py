"""The root of the tree of errors, apart from its branches so that those can stand in modules of their own."""

__all__ = ["PenstockError"]


class PenstockError(Exception):
    """Root of the tree: catch it to catch everything that Penstock raises on purpose."""
