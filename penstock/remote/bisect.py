"""Which rows of a batch a server refuses, found by asking for halves. Pure: the call is the caller's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from penstock.remote.calls import CLOSED, CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["bisected"]

_Row = TypeVar("_Row")
_Answer = TypeVar("_Answer")
#: After so many halvings, if every part was refused, it is asked whether it is the rows at all.
_DOUBT = 2
#: What servers say of a bad row, and of a fault of their own: few rows may all be bad, or none of them.
_DOUBTFUL = frozenset({"INTERNAL", "UNKNOWN"})


def bisected(
    rows: Sequence[_Row],
    call: Callable[[Sequence[_Row]], Sequence[_Answer]],
    known_good: _Row | None = None,
) -> list[_Answer | CallError]:
    """Ask for all rows, and where that is refused for halves, down to the single rows that are refused.

    With ``b`` bad ones of ``n`` rows that is at most ``1 + 2 * b * ceil(log2(n))`` calls, never more than
    ``2 * n - 1``, and one for ``known_good``. Only what is refused is halved: whatever else goes wrong becomes the
    answer of the rows that it met.

    Args:
        rows: at least one.
        call: asks for some of them, one after the other, and gives as many answers; raises `CallError`.
        known_good: a row that was answered before. It is asked for, once, when all four quarters were refused, or each
            single row with a code that may mean the server: if it is refused, too, it is not the rows; then there are
            no more calls, and the errors' kind is ``FATAL``.

    Returns:
        In the order of the rows an answer, or why there is none.
    """
    answers: list[_Answer | CallError] = [CallError(CLOSED, "not asked for")] * len(rows)
    parts = [(0, len(rows))]
    for depth in range(len(rows).bit_length() + 1):
        refused = _refused_parts(rows, call, parts, answers)
        nothing = sum(end - begin for begin, end in refused) == len(rows)
        parts = [half for begin, end in refused if end - begin > 1 for half in _halves(begin, end)]
        doubt = (depth == _DOUBT and nothing) or (not parts and all(_is_doubtful(answer) for answer in answers))
        if doubt and known_good is not None:
            told = _refusal(call, known_good)
            if told is not None:
                return [CallError(told.code, told.details, CallKind.FATAL, told.server)] * len(rows)
            known_good = None
        if not parts:
            break
    return answers


def _refused_parts(
    rows: Sequence[_Row],
    call: Callable[[Sequence[_Row]], Sequence[_Answer]],
    parts: Iterable[tuple[int, int]],
    answers: list[_Answer | CallError],
) -> list[tuple[int, int]]:
    """Ask for parts of the rows, put what comes into the answers, and return the parts that were refused."""
    refused = []
    for begin, end in parts:
        try:
            answers[begin:end] = _asked(call, rows[begin:end])
        except CallError as error:
            answers[begin:end] = [error] * (end - begin)
            if error.kind is CallKind.REFUSED:
                refused.append((begin, end))
    return refused


def _is_doubtful(answer: object) -> bool:
    return isinstance(answer, CallError) and answer.kind is CallKind.REFUSED and answer.code in _DOUBTFUL


def _halves(begin: int, end: int) -> tuple[tuple[int, int], tuple[int, int]]:
    middle = (begin + end) // 2
    return (begin, middle), (middle, end)


def _asked(call: Callable[[Sequence[_Row]], Sequence[_Answer]], rows: Sequence[_Row]) -> Sequence[_Answer]:
    answers = call(rows)
    if len(answers) != len(rows):
        # Nobody can tell whose they are.
        raise CallError("INTERNAL", f"it gave {len(answers)} answers for {len(rows)} rows", CallKind.FATAL)
    return answers


def _refusal(call: Callable[[Sequence[_Row]], Sequence[_Answer]], row: _Row) -> CallError | None:
    try:
        _asked(call, [row])
    except CallError as error:
        return error if error.kind is CallKind.REFUSED else None
    return None
