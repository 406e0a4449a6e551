"""Columns between the engine and the cores."""

import pandas as pd

from penstock.flink.columns import _split, texts


def test_texts_are_taken_apart_and_long_ones_not_remembered() -> None:
    """Records of one kind have the same; a content type may be as long as its producer likes."""
    before = _split.cache_info().currsize
    assert texts(pd.Series(["topic\x1fa\x1f", "topic\x1fa\x1f"])) == [("topic", "a", None)] * 2
    assert texts(pd.Series(["topic\x1f" + "x" * 5000])) == [("topic", "x" * 5000)]
    assert _split.cache_info().currsize - before <= 1
