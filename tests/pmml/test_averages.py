"""Averages of classes that are refused when a model is added: the engine gets them wrong, and others right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.pmml_job.engine import PmmlModel

    Load = Callable[[bytes, str], PmmlModel]

SCHEMA = '<MiningSchema><MiningField name="x"/><MiningField name="y" usageType="target"/></MiningSchema>'
FILE = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/><DataDictionary>
<DataField name="x" optype="continuous" dataType="double"/>
<DataField name="y" optype="categorical" dataType="string"><Value value="a"/><Value value="b"/><Value value="c"/>
</DataField></DataDictionary><MiningModel functionName="classification">{schema}{outputs}
<Segmentation multipleModelMethod="average">{segments}</Segmentation></MiningModel></PMML>"""


def output(classes: str) -> str:
    """Probabilities of these classes, and the label."""
    fields = "".join(
        f'<OutputField name="p_{it}" feature="probability" value="{it}" dataType="double"/>' for it in classes
    )
    return f'<Output><OutputField name="label" feature="predictedValue" dataType="string"/>{fields}</Output>'


def segment(counts: dict[str, int], outputs: str = "") -> str:
    """A tree that has these counts for every row."""
    score = max(counts, key=counts.__getitem__)
    leaf = "".join(f'<ScoreDistribution value="{it}" recordCount="{count}"/>' for it, count in counts.items())
    node = f'<Node score="{score}"><True/>{leaf}</Node>'
    return f'<Segment><True/><TreeModel functionName="classification">{SCHEMA}{outputs}{node}</TreeModel></Segment>'


def answer(load: Load, *segments: str) -> object:
    """The label and the probabilities of a, b and c."""
    file = FILE.format(schema=SCHEMA, outputs=output("abc"), segments="".join(segments))
    return load(file.encode(), "averages:1").score([(1.0,)])[0]


A, C = {"a": 6, "b": 3, "c": 1}, {"a": 0, "b": 1, "c": 9}
RIGHT = ("c", pytest.approx(0.3), pytest.approx(0.2), pytest.approx(0.5))


@pytest.mark.parametrize(
    "segments",
    [
        (segment(A), segment(C, output("abc"))),  # outputs in part
        (segment(A, output("abc")), segment(C, output("cab"))),  # in another order
        (segment(A), segment({"b": 1, "c": 9})),  # no count for a
    ],
)
def test_engine_is_wrong(load: Load, segments: tuple[str, ...]) -> None:
    """An engine that averages these right makes their rule needless."""
    assert answer(load, *segments) != RIGHT


@pytest.mark.parametrize(
    "segments",
    [
        (segment(A), segment(C)),
        (segment(A, output("abc")), segment(C, output("abc"))),
        (segment(A, output("cab")), segment(C, output("cab"))),
        (segment(A), segment(dict(reversed(C.items())))),
    ],
)
def test_engine_is_right(load: Load, segments: tuple[str, ...]) -> None:
    """What is advised instead, and what is left alone."""
    assert answer(load, *segments) == RIGHT
