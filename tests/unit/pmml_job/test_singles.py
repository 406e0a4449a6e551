"""Rounding to single precision, beside numbers that a file writes in decimals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.pmml_job.singles import Singles, numbers

FILE = b"""<PMML xmlns="http://www.dmg.org/PMML-4_4"><DataField name="x"><Interval leftMargin="0.1" rightMargin="9"/>
<Value value="0.2"/></DataField><SimplePredicate field="x" operator="lessThan" value="0.3"/><Array type="real">0.4
"0.5" 1e300</Array><Constant dataType="float">0.6</Constant><Value value="red"/><Node score="0.8">7</Node></PMML>"""
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


def test_numbers_of_a_file_are_found() -> None:
    """Wherever a value may be compared with them; what no float can be is left out."""
    assert numbers(FILE) == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 9.0}


def test_long_lists_are_not_cut() -> None:
    """The parser gives a long text in pieces where it has to turn it into another encoding."""
    expected = {number / 8 for number in range(100_000, 110_000)}
    file = f"<?xml version='1.0' encoding='ISO-8859-1'?><PMML><Array>{' '.join(map(str, expected))}</Array></PMML>"

    assert numbers(file.encode("iso-8859-1")) == expected


@given(st.lists(FLOATS, max_size=5), FLOATS, st.sampled_from([str, repr, "{:.9g}".format]))
def test_comparisons_are_those_in_single_precision(written: list[float], value: float, style: object) -> None:
    """In whichever way a file writes its numbers: as short as can be, in all digits of a double, or in nine."""
    texts = [str(np.float32(each)) if style is str else style(each) for each in written]  # type: ignore[operator]
    given_to_engine = Singles(map(float, texts)).one(value)

    for each, text in zip(written, texts, strict=True):
        assert (given_to_engine < float(text), given_to_engine == float(text)) == (value < each, value == each)


def test_others_are_rounded() -> None:
    """Without anything written near them; a missing value stays one."""
    rounded = Singles([0.7])(np.array([0.1, 0.7, 0.700000001, 16_777_217.0, math.nan]))

    assert rounded[:4].tolist() == [0.10000000149011612, 0.7, 0.7, 16_777_216.0]
    assert np.isnan(rounded[4])


@pytest.mark.parametrize("value", [3.4e38, -3.4e38, 1e-46, 0.0])
def test_ends_of_the_range(value: float) -> None:
    """Nothing is lost at the ends of the table."""
    assert Singles([0.1, 0.7]).one(value) == float(np.float32(value))
