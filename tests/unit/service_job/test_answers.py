"""Tensors become values of results, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jobs.service_job.answers import AnswerReader, Output
from jobs.service_job.client import Prediction
from penstock.remote.calls import CallError, CallKind
from penstock.remote.tensors import objects


def rows(reader: AnswerReader, count: int, **outputs: Any) -> list[Any]:
    """The answers of so many rows."""
    return reader.read(Prediction(outputs, 3), count)


def test_outputs_are_told_row_by_row() -> None:
    """Scalars, vectors and texts, in the order that was asked for."""
    reader = AnswerReader([Output("label", True), Output("scores", True), Output("text", True)])
    found = rows(
        reader,
        2,
        text=objects([b"a", "Zürich".encode()]),
        scores=np.array([[0.25, 0.75], [1, 0]], dtype="f4"),
        label=np.array([1, 0]),
        more=np.zeros(2),
    )

    assert reader.names == ("label", "scores", "text")
    assert found == [(1, [0.25, 0.75], "a"), (0, [1.0, 0.0], "Zürich")]
    assert [type(each) for each in found[0]] == [int, list, str]


def test_bytes_that_are_no_text_are_in_base_64() -> None:
    """As requests have them."""
    assert rows(AnswerReader([Output("x", True)]), 1, x=objects([b"\xff"])) == [({"b64": "/w=="},)]


def test_output_without_rows_is_everybodys() -> None:
    """Such as the names of the classes."""
    reader = AnswerReader([Output("names", False)])

    assert rows(reader, 2, names=objects([b"a", b"b", b"c"])) == [(["a", "b", "c"],)] * 2


def test_version_is_told_where_a_label_chose_it() -> None:
    """Nobody else can say which it was."""
    reader = AnswerReader([Output("y", True)], versioned=True)

    assert reader.names == ("y", "model_version")
    assert rows(reader, 2, y=np.array([1, 2])) == [(1, 3), (2, 3)]


def test_best_class_is_told() -> None:
    """By its name, or by its place where classes have none."""
    reader = AnswerReader([Output("classes", True), Output("scores", True)], classified=True)
    scores = np.array([[0.2, 0.8], [0.9, 0.1]], dtype="f4")

    named = rows(reader, 2, classes=objects([b"no", b"yes"] * 2, (2, 2)), scores=scores)
    nameless = rows(reader, 2, classes=objects([b""] * 4, (2, 2)), scores=scores)
    assert reader.names == ("class", "classes", "scores")
    assert [each[0] for each in named] == ["yes", "no"]
    assert [each[0] for each in nameless] == [1, 0]


def test_classes_without_scores_have_no_best() -> None:
    """The first score that is no number would be taken for the highest."""
    reader = AnswerReader([Output("classes", True), Output("scores", True)], classified=True)
    scores = np.array([[np.nan, 0.8], [0.9, 0.1]], dtype="f4")
    found = rows(reader, 2, classes=objects([b"no", b"yes"] * 2, (2, 2)), scores=scores)

    assert [each[0] for each in found] == [None, "no"]


@pytest.mark.parametrize(
    "outputs",
    [{"z": np.zeros(2)}, {"y": np.zeros(3)}, {"y": np.float32(1)}],
    ids=["another name", "more rows", "no rows"],
)
def test_answer_that_fits_no_rows_is_the_servers_fault(outputs: dict[str, Any]) -> None:
    """Halves of the rows would get none either."""
    with pytest.raises(CallError) as told:
        rows(AnswerReader([Output("y", True)]), 2, **outputs)

    assert told.value.kind is CallKind.FATAL
