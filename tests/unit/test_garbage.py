"""Garbage collection that is put off."""

from __future__ import annotations

import contextlib
import gc

from penstock.garbage import settle, uncollected


def test_collection_is_put_off_for_a_block() -> None:
    """Also where blocks lie in each other, and where one ends by an exception."""
    assert gc.isenabled()
    with uncollected():
        with contextlib.suppress(LookupError), uncollected():
            assert not gc.isenabled()
            dict[str, int]()["nothing"]
        assert not gc.isenabled()
    assert gc.isenabled()


def test_who_has_no_collection_does_not_get_one() -> None:
    """Whoever turned it off had a reason."""
    gc.disable()
    try:
        uncollected()(lambda: None)()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_there_at_the_beginning_is_not_looked_at_again() -> None:
    """It stays as long as its worker."""
    before = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
