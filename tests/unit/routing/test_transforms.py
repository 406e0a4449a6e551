"""The built-in transforms, as a routing document calls them."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import TransformError
from penstock.routing.registry import Side, pipeline, read
from penstock.routing.transforms import BUILT_IN

EVENT, RESULT = Side.EVENT, Side.RESULT
ROW = "5.1,3.5"
OBJECT = {"a": 1, "b": "2", "c": None}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
texts = st.sampled_from([ROW, "a;b", ""])
objects = st.dictionaries(st.sampled_from(["a", "b", "prediction"]), json_values)
# At least one use of every built-in transform, on the side where it may stand.
USES: list[tuple[Any, Side]] = [
    ("as_is", EVENT),
    ("first_letter", EVENT),
    ({"first_letter": {"field": "a"}}, RESULT),
    ({"select": ["a"]}, EVENT),
    ({"rename": {"a": "b"}}, EVENT),
    ({"cast": {"a": "float", "b": "int"}}, EVENT),
    ({"default": {"a": 0}}, EVENT),
    ({"csv": {"columns": ["a", "b"], "cast": "float"}}, EVENT),
    ({"csv": {"separator": ";"}}, EVENT),
    ({"vector": ["a", "b"]}, EVENT),
    ({"map_prediction": {"0": "setosa"}}, RESULT),
    ({"template": "{a} and {b.c}"}, RESULT),
]


def apply(data: object, *items: object, side: Side = EVENT) -> object:
    """What a list of transforms makes of data."""
    bound, faults = read(items, side)
    assert faults == []
    return pipeline(bound)(data)


def faults(item: object, side: Side = EVENT) -> list[str]:
    """What is said of a transform in a document."""
    return [str(fault) for fault in read([item], side)[1]]


@pytest.mark.parametrize(
    ("item", "data", "made"),
    [
        ("as_is", OBJECT, OBJECT),
        ({"as_is": None}, ROW, ROW),
        ("first_letter", "Penstock", "P"),
        ("first_letter", "  penstock", "p"),
        ("first_letter", "e\u0301tude", "é"),
        ({"first_letter": {"field": "b"}}, OBJECT, {"a": 1, "b": "2", "c": None}),
        ({"first_letter": {"field": "b"}}, {"a": 1, "b": "text"}, {"a": 1, "b": "t"}),
        ({"select": ["c", "a"]}, OBJECT, {"c": None, "a": 1}),
        ({"rename": {"a": "x"}}, OBJECT, {"x": 1, "b": "2", "c": None}),
        ({"rename": {"a": "b", "b": "a"}}, OBJECT, {"b": 1, "a": "2", "c": None}),
        ({"cast": {"a": "float", "b": "int"}}, OBJECT, {"a": 1.0, "b": 2, "c": None}),
        ({"default": {"c": 0, "d": "new", "a": 9}}, OBJECT, {"a": 1, "b": "2", "c": 0, "d": "new"}),
        ({"csv": {"columns": ["x", "y"]}}, ROW, {"x": "5.1", "y": "3.5"}),
        ({"csv": {"columns": ["x", "y"], "cast": "float"}}, ROW, {"x": 5.1, "y": 3.5}),
        ({"csv": {"columns": ["x", "y"], "cast": {"y": "float"}}}, ROW, {"x": "5.1", "y": 3.5}),
        ({"csv": {"cast": "float"}}, ROW, [5.1, 3.5]),
        ({"csv": {}}, ROW, ["5.1", "3.5"]),
        ("csv", ROW, ["5.1", "3.5"]),
        ({"csv": {"separator": ";"}}, 'a;"b;c"', ["a", "b;c"]),
        ({"csv": {"columns": ["x"], "cast": "float"}}, OBJECT, OBJECT),
        ({"vector": ["b", "a"]}, OBJECT, [2.0, 1.0]),
        ({"template": "{a}-{b}, {c} {{x}}"}, OBJECT, "1-2, null {x}"),
        ({"template": "{x.y}"}, {"x": {"y": [1, "z"]}}, '[1,"z"]'),
        ({"template": "{__class__}"}, {"__class__": "a field like any other"}, "a field like any other"),
        ({"template": "no field"}, {}, "no field"),
    ],
)
def test_events_become_what_the_transform_says(item: object, data: object, made: object) -> None:
    """One case for each form of each transform; the order of fields counts."""
    result = apply(data, item)

    assert msgspec.json.encode(result) == msgspec.json.encode(made)


@pytest.mark.parametrize(
    ("item", "data", "message"),
    [
        ("first_letter", " ", "^transform 'first_letter': expected a text with a letter in it, got an empty one$"),
        ("first_letter", OBJECT, "^transform 'first_letter': expected text, got object$"),
        ({"first_letter": {"field": "a"}}, OBJECT, "^transform 'first_letter': field 'a': expected text, got int$"),
        ({"select": ["a", "x"]}, OBJECT, "^transform 'select': field 'x' is missing$"),
        ({"select": ["y", "x"]}, OBJECT, "^transform 'select': fields 'y', 'x' are missing$"),
        ({"select": ["a"]}, ROW, "^transform 'select': expected an object, got text$"),
        ({"rename": {"x": "y"}}, OBJECT, "^transform 'rename': field 'x' is missing$"),
        ({"rename": {"a": "b"}}, OBJECT, "^transform 'rename': field 'b' is there already under the new name$"),
        ({"cast": {"b": "int"}}, {"b": "x"}, r"^transform 'cast': field 'b': expected int, got 'x' \(text\)$"),
        ({"cast": {"c": "int"}}, OBJECT, r"^transform 'cast': field 'c': expected int, got None \(null\)$"),
        ({"cast": {"x": "int"}}, OBJECT, "^transform 'cast': field 'x' is missing$"),
        ({"default": {"a": 1}}, [1], "^transform 'default': expected an object, got list$"),
        ({"csv": {"columns": ["x"]}}, ROW, r"^transform 'csv': expected 1 cells \(x\), found 2 in '5.1,3.5'$"),
        ({"csv": {"cast": "int"}}, ROW, r"^transform 'csv': cell 1: expected int, got '5.1' \(text\)$"),
        ({"csv": {"columns": ["x", "y"], "cast": "int"}}, ROW, "^transform 'csv': field 'x': expected int, got"),
        ("csv", b"\xff", "^transform 'csv': expected text, got bytes$"),
        ({"vector": ["a", "c"]}, OBJECT, r"^transform 'vector': field 'c': expected float, got None \(null\)$"),
        ({"vector": ["a", "x"]}, OBJECT, "^transform 'vector': field 'x' is missing$"),
        ({"template": "{x.y}"}, {"x": 1}, "^transform 'template': field 'x.y' is missing$"),
        ({"template": "{__class__}"}, {"a": 1}, "^transform 'template': field '__class__' is missing$"),
        ({"template": "{a.__class__}"}, {"a": 1}, "^transform 'template': field 'a.__class__' is missing$"),
        ({"template": "{a}"}, ROW, "^transform 'template': expected an object, got text$"),
    ],
)
def test_events_that_do_not_fit_are_refused(item: object, data: object, message: str) -> None:
    """The reason names the transform, the field, what was expected and what was found."""
    with pytest.raises(TransformError, match=message):
        apply(data, item)


@pytest.mark.parametrize(
    ("parameters", "prediction", "mapped"),
    [
        ({"0": "setosa"}, 0, "setosa"),
        ({0: "setosa"}, "0", "setosa"),
        ({0: "setosa"}, 0.0, "setosa"),
        ({"yes": True}, "yes", True),
        ({True: "yes"}, True, "yes"),
        ({"2.5": "half"}, 2.5, "half"),
        ({"table": {"0": "setosa"}, "default": "other"}, 5, "other"),
        ({"table": {"0": "setosa"}, "default": "other"}, None, "other"),
        ({"table": "is a class here", "0": "setosa"}, "table", "is a class here"),
    ],
)
def test_predictions_are_mapped(parameters: object, prediction: object, mapped: object) -> None:
    """Predictions are compared as text, whole floats as integers; the rest of the result stays."""
    made = apply({"prediction": prediction, "latency_ms": 1}, {"map_prediction": parameters}, side=RESULT)

    assert made == {"prediction": mapped, "latency_ms": 1}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"prediction": 5}, "^transform 'map_prediction': prediction '5' is not in the table, which has '0', '1'$"),
        ({"prediction": None}, "^transform 'map_prediction': prediction 'null' is not in the table"),
        ({}, "^transform 'map_prediction': field 'prediction' is missing$"),
        ("text", "^transform 'map_prediction': expected an object, got text$"),
    ],
)
def test_predictions_that_the_table_lacks_are_refused(data: object, message: str) -> None:
    """Without a default, no prediction is made up."""
    with pytest.raises(TransformError, match=message):
        apply(data, {"map_prediction": {"0": "setosa", "1": "versicolor"}}, side=RESULT)


def test_a_template_looks_into_an_undecoded_input() -> None:
    """The input of a result stays JSON text until a template asks for a part of it."""
    result = {"input": msgspec.Raw(b'{"user":"u1","n":1.0}'), "prediction": "setosa"}

    assert apply(result, {"template": "{input.user}: {prediction} ({input})"}, side=RESULT) == (
        'u1: setosa ({"user":"u1","n":1.0})'
    )


def test_transforms_follow_one_another() -> None:
    """Each works on what the one before made."""
    made = apply(ROW, {"csv": {"columns": ["x", "y"]}}, {"default": {"z": 1}}, {"vector": ["z", "x", "y"]})

    assert made == [1.0, 5.1, 3.5]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"select": []}, "[0].select: must not be empty"),
        ("select", "[0]: transform 'select' needs parameters: {select: ...}"),
        ({"cast": None}, "[0]: transform 'cast' needs parameters: {cast: ...}"),
        ({"select": "a"}, "[0].select: expected a list, got 'a' (text)"),
        ({"rename": {"a": "x", "b": "x"}}, "[0].rename: two fields cannot get the same name"),
        ({"cast": {"a": "flot"}}, "[0].cast.a: got 'flot'; did you mean 'float'?"),
        ({"default": {"a": [1]}}, "[0].default.a: expected text, a number, true or false, got [1] (list)"),
        ({"default": {"a": float("nan")}}, "[0].default.a: expected text, a number, true or false, got nan (float)"),
        ({"csv": {"columns": ["a", "a"]}}, "[0].csv: two columns have the same name"),
        ({"csv": {"columns": ["a"], "cast": {"b": "int"}}}, "[0].csv: cast names columns that are not there: 'b'"),
        ({"csv": {"cast": "flot"}}, "[0].csv.cast: got 'flot'; did you mean 'float'?"),
        ({"csv": {"colums": ["a"]}}, "[0].csv.colums: unknown key 'colums'; did you mean 'columns'?"),
        ({"csv": {"separator": "##"}}, "[0].csv.separator: string should have at most 1 character, got '##' (text)"),
        ({"template": "a {"}, "[0].template: a single '{' in a template; write it twice to have one in the text"),
        ({"template": "a }"}, "[0].template: a single '}' in a template; write it twice to have one in the text"),
        ({"as_is": {"a": 1}}, "[0].as_is.a: unknown key 'a'; there are none"),
        ({"first_letter": {"fild": "a"}}, "[0].first_letter.fild: unknown key 'fild'; did you mean 'field'?"),
    ],
)
def test_wrong_parameters_are_faults_of_the_document(item: object, expected: str) -> None:
    """They are found when the document is read, each with its place and the nearest valid name."""
    assert faults(item) == [expected]


@pytest.mark.parametrize("field", ["{a!r}", "{a:>10}", "{a[0]}", "{}", "{a.}", "{.a}", "{a..b}"])
def test_templates_have_fields_and_nothing_else(field: str) -> None:
    """No conversions, formats, indexes or empty names: a document never runs anything."""
    assert faults({"template": field}) == [
        f"[0].template: {field} is no field; expected a name such as {{user}} or {{outputs.species}}"
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({0: "setosa", "0": "versicolor"}, "[0].map_prediction: two keys of the table are the same prediction"),
        (
            {"0": "setosa", "default": "other"},
            "[0].map_prediction: a default stands beside the table: {table: {...}, default: ...}",
        ),
        ({}, "[0].map_prediction.table: must not be empty"),
        (
            {"table": {"0": "a"}, "defalt": "b"},
            "[0].map_prediction.defalt: unknown key 'defalt'; did you mean 'default'?",
        ),
        ([], "[0].map_prediction: expected keys with values, got [] (list)"),
    ],
)
def test_wrong_tables_are_faults_of_the_document(parameters: object, expected: str) -> None:
    """What could be meant in two ways is refused rather than guessed."""
    assert faults({"map_prediction": parameters}, RESULT) == [expected]


@pytest.mark.parametrize(
    ("item", "side", "expected"),
    [
        ({"csv": {}}, RESULT, "[0]: transform 'csv' cannot stand in output.transform, only in transform"),
        ({"vector": ["a"]}, RESULT, "[0]: transform 'vector' cannot stand in output.transform, only in transform"),
        (
            {"map_prediction": {"0": "a"}},
            EVENT,
            "[0]: transform 'map_prediction' cannot stand in transform, only in output.transform",
        ),
    ],
)
def test_transforms_stand_only_where_they_make_sense(item: object, side: Side, expected: str) -> None:
    """Rows of text come in events, predictions in results."""
    assert faults(item, side) == [expected]


def test_every_transform_is_used_here() -> None:
    """A new transform cannot be added without the tests below."""
    assert {item if isinstance(item, str) else next(iter(item)) for item, _ in USES} == set(BUILT_IN)


@pytest.mark.parametrize(("item", "side"), USES, ids=str)
@given(data=json_values | texts | objects)
def test_any_data_is_transformed_or_refused(item: object, side: Side, data: object) -> None:
    """A transform changes nothing in place, raises nothing but its refusal, and makes what can be written as JSON."""
    before = copy.deepcopy(data)
    try:
        made = apply(data, item, side=side)
    except TransformError:
        made = None

    assert data == before
    msgspec.json.decode(msgspec.json.encode(made))


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_transforms_that_let_objects_pass_do_so(name: str) -> None:
    """Sources of objects leave such steps out, which is only right if they change nothing."""
    if BUILT_IN[name].objects_pass:
        assert apply(OBJECT, name) is OBJECT
