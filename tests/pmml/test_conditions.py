"""Conditions that are refused when a model is added: the engine gets them wrong, and others right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobs.pmml_job.engine import PmmlModel

    Load = Callable[[bytes, str], PmmlModel]

FILE = """<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>
<DataDictionary><DataField name="x" optype="{optype}" dataType="{data_type}">{values}</DataField>
<DataField name="y" optype="categorical" dataType="string"><Value value="yes"/><Value value="no"/></DataField>
</DataDictionary>
<TreeModel functionName="classification"><MiningSchema><MiningField name="y" usageType="target"/>
<MiningField name="x"/></MiningSchema>
<Node score="no"><True/><Node score="yes">{condition}</Node><Node score="no"><True/></Node></Node></TreeModel></PMML>"""
LISTED = "".join(f'<Value value="{value}"/>' for value in ("1", "2", "3"))


def says(operator: str, value: str) -> str:
    """A condition on the field."""
    return f'<SimplePredicate field="x" operator="{operator}" value="{value}"/>'


def is_in(values: str) -> str:
    """The same by a set."""
    array = f'<Array type="string">{values}</Array>'
    return f'<SimpleSetPredicate field="x" booleanOperator="isIn">{array}</SimpleSetPredicate>'


def answers(load: Load, kind: tuple[str, str, str], condition: str, *values: object) -> list[bool]:
    """For which values the engine finds the condition true."""
    optype, data_type, listed = kind
    file = FILE.format(optype=optype, data_type=data_type, values=listed, condition=condition)
    model = load(file.encode(), "conditions:1")
    return [row[0] == "yes" for row in model.score([(value,) for value in values])]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("kind", "condition", "values"),
    [
        (("categorical", "double", LISTED), says("equal", "2"), (1.0, 2.0)),
        (("ordinal", "float", ""), says("equal", "2"), (1.0, 2.0)),
        (("ordinal", "integer", ""), says("lessThan", "5"), (7, 3)),
        (("categorical", "string", ""), says("lessThan", "b"), ("c", "a")),
        (("continuous", "boolean", ""), says("equal", "true"), (False, True)),
        (("continuous", "string", ""), says("equal", "b"), ("a", "b")),
        (("ordinal", "date", ""), says("equal", "2026-01-02"), ("2026-01-01", "2026-01-02")),
        (
            ("continuous", "dateTime", ""),
            says("greaterThan", "2026-01-01T00:00:00"),
            ("2026-01-01T00:00:00", "2026-01-02T00:00:00"),
        ),
    ],
)
def test_engine_is_wrong(load: Load, kind: tuple[str, str, str], condition: str, values: tuple[object, ...]) -> None:
    """Only the second value fulfils the condition. An engine that says so makes its rule needless."""
    assert answers(load, kind, condition, *values) != [False, True]


@pytest.mark.parametrize(
    ("kind", "condition", "values"),
    [
        (("categorical", "double", LISTED), is_in("2"), (1.0, 2.0)),
        (("ordinal", "float", ""), is_in("2"), (1.0, 2.0)),
        (("categorical", "integer", ""), says("equal", "2"), (1, 2)),
        (("ordinal", "integer", LISTED), says("greaterThan", "1"), (1, 2)),
        (("continuous", "integer", LISTED), says("greaterThan", "1"), (1, 2)),
        (("categorical", "boolean", ""), says("equal", "true"), (False, True)),
        (("categorical", "string", ""), says("equal", "2"), ("1", "2")),
        (("continuous", "dateDaysSince[1970]", ""), says("greaterThan", "20000"), (20_000.0, 20_001.0)),
        (("continuous", "float", ""), says("equal", "0.1"), (0.2, 0.1)),
        (("continuous", "float", ""), says("lessOrEqual", "0.1"), (0.2, 0.100000001)),
        (("continuous", "float", ""), says("greaterOrEqual", "0.7"), (0.6, 0.7)),
        (("continuous", "float", ""), says("greaterOrEqual", "0.699999988079071"), (0.6, 0.7)),
        (("continuous", "float", ""), says("lessThan", "0.100000001"), (0.1, 0.09)),
        (("continuous", "float", ""), is_in("0.7"), (0.6, 0.7)),
        (("categorical", "float", '<Value value="0.6"/><Value value="0.7"/>'), is_in("0.7"), (0.6, 0.7)),
    ],
)
def test_engine_is_right(load: Load, kind: tuple[str, str, str], condition: str, values: tuple[object, ...]) -> None:
    """What is advised instead, and what is left alone."""
    assert answers(load, kind, condition, *values) == [False, True]


@pytest.mark.parametrize("treatment", ['invalidValueTreatment="asIs"', 'missingValueReplacement="c"'])
@pytest.mark.parametrize(
    ("condition", "listed", "true"),
    [
        (says("notEqual", "a"), '<Value value="a"/>', False),  # wrong
        (says("notEqual", "a"), "", True),
        (says("equal", "a"), '<Value value="a"/>', False),
    ],
)
def test_value_that_is_not_listed(load: Load, treatment: str, condition: str, listed: str, *, true: bool) -> None:
    """It is another value than those that are, but the engine takes it for missing; not so where none are listed."""
    file = FILE.format(optype="categorical", data_type="string", values=listed, condition=condition)
    model = load(file.replace('<MiningField name="x"', f'<MiningField name="x" {treatment}').encode(), "conditions:1")
    (answer,) = model.score([("c" if "asIs" in treatment else None,)])
    assert (answer[0] == "yes") is true


SCHEMA = '<MiningSchema><MiningField name="y" usageType="target"/><MiningField name="x" {}/></MiningSchema>'
RULES = """<RuleSetModel functionName="classification">{schema}<RuleSet defaultScore="no">
<RuleSelectionMethod criterion="firstHit"/><SimpleRule score="yes">{condition}</SimpleRule></RuleSet></RuleSetModel>"""


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        (
            f'<CompoundPredicate booleanOperator="surrogate">{says("equal", "1")}<True/></CompoundPredicate>',
            False,
        ),  # wrong
        (f'<CompoundPredicate booleanOperator="or">{says("equal", "1")}<True/></CompoundPredicate>', True),
    ],
)
def test_surrogate_of_rules(load: Load, condition: str, *, true: bool) -> None:
    """The second condition decides where a value is missing; in a tree the engine knows."""
    file = FILE.format(optype="continuous", data_type="double", values="", condition=condition)
    schema = SCHEMA.format('missingValueTreatment="asIs"')
    rules = file.partition("<TreeModel")[0] + RULES.format(schema=schema, condition=condition) + "</PMML>"
    assert (load(rules.encode(), "rules:1").score([(None,)])[0][0] == "yes") is true
    tree = file.replace('<MiningField name="x"', '<MiningField name="x" missingValueTreatment="asIs"')
    assert load(tree.encode(), "tree:1").score([(None,)])[0][0] == "yes"


@pytest.mark.parametrize("field", ["integer", "double", "float"])
@pytest.mark.parametrize("constant", ["integer", "double", "float"])
@pytest.mark.parametrize("function", ["equal", "isIn"])
def test_numbers_of_two_types(load: Load, field: str, constant: str, function: str) -> None:
    """The engine finds 1 and 1.0 equal only where both are whole numbers, or neither is."""
    apply = f'<Apply function="{function}"><FieldRef field="x"/><Constant dataType="{constant}">1</Constant></Apply>'
    derived = f'<DerivedField name="d" optype="categorical" dataType="boolean">{apply}</DerivedField>'
    condition = '<SimplePredicate field="d" operator="equal" value="true"/>'
    file = FILE.format(optype="continuous", data_type=field, values="", condition=condition)
    local = f"</MiningSchema><LocalTransformations>{derived}</LocalTransformations>"
    model = load(file.replace("</MiningSchema>", local).encode(), "conditions:1")
    right = (field == "integer") == (constant == "integer")
    assert [row[0] == "yes" for row in model.score([(1,), (2,)])] == [right, False]
