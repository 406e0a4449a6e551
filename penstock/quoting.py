"""How messages quote what was found."""

__all__ = ["shown"]

_SHOWN_CHARACTERS = 60  # enough to recognize a value in a message, short enough for a header


def shown(found: object) -> str:
    """A value as messages quote it: its ``repr``, cut where it is long."""
    if isinstance(found, str | bytes):
        found = found[: _SHOWN_CHARACTERS + 1]  # the repr of a whole poison message could be megabytes
    text = repr(found)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
