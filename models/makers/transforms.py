"""Derived fields by hand: every function, and every other way to make a field out of fields."""

from __future__ import annotations

import math
from statistics import NormalDist, median
from typing import TYPE_CHECKING

from models.makers.document import (
    AS_IS,
    ROWS,
    TARGET,
    WITH_MISSING,
    C,
    Written,
    X,
    Z,
    apply,
    category,
    constant,
    derived,
    document,
    field,
    linear,
    number,
    output,
    outputs,
    ref,
    schema,
    tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.makers.document import Row

__all__ = ["MODELS"]

x, z, c = ref("x"), ref("z"), ref("c")
POSITIVE = apply("abs", z)


def one(condition: str) -> str:
    """1 where the condition is true, else 0."""
    return apply("if", condition, constant(1), constant(0))


TRIGONOMETRY = ("sin", "cos", "tan", "atan", "sinh", "cosh", "tanh")

NUMBERS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "plus": (apply("+", x, z), lambda x, z: x + z),
    "minus": (apply("-", x, z), lambda x, z: x - z),
    "times": (apply("*", x, z), lambda x, z: x * z),
    "divide": (apply("/", x, z), lambda x, z: x / z),
    "min": (apply("min", x, z), min),
    "max": (apply("max", x, z), max),
    "sum": (apply("sum", x, z, constant(2)), lambda x, z: x + z + 2),
    "avg": (apply("avg", x, z), lambda x, z: (x + z) / 2),
    "product": (apply("product", x, z, constant(2)), lambda x, z: 2 * x * z),
    "log10": (apply("log10", POSITIVE), lambda _, z: math.log10(abs(z))),
    "ln": (apply("ln", POSITIVE), lambda _, z: math.log(abs(z))),
    "ln1p": (apply("ln1p", POSITIVE), lambda _, z: math.log1p(abs(z))),
    "sqrt": (apply("sqrt", POSITIVE), lambda _, z: math.sqrt(abs(z))),
    "abs": (apply("abs", x), lambda x, _: abs(x)),
    "exp": (apply("exp", x), lambda x, _: math.exp(x)),
    "expm1": (apply("expm1", x), lambda x, _: math.expm1(x)),
    "pow": (apply("pow", x, constant(2)), lambda x, _: x**2),
    "threshold": (apply("threshold", x, constant(1)), lambda x, _: float(x > 1)),
    "floor": (apply("floor", x), lambda x, _: math.floor(x)),
    "ceil": (apply("ceil", x), lambda x, _: math.ceil(x)),
    "round": (apply("round", x), lambda x, _: math.floor(x + 0.5)),
    "rint": (apply("rint", x), lambda x, _: round(x)),
    "modulo": (apply("modulo", x, constant(2)), lambda x, _: x - 2 * math.floor(x / 2)),
    "hypot": (apply("hypot", x, z), math.hypot),
    **{name: (apply(name, x), lambda x, _, name=name: getattr(math, name)(x)) for name in TRIGONOMETRY},
    "asin": (apply("asin", apply("/", x, constant(4))), lambda x, _: math.asin(x / 4)),
    "acos": (apply("acos", apply("/", x, constant(4))), lambda x, _: math.acos(x / 4)),
    "erf": (apply("erf", x), lambda x, _: math.erf(x)),
    "normalPDF": (apply("normalPDF", x, constant(1), constant(2)), lambda x, _: NormalDist(1, 2).pdf(x)),
    "normalCDF": (apply("normalCDF", x, constant(1), constant(2)), lambda x, _: NormalDist(1, 2).cdf(x)),
    "normalIDF": (
        apply("normalIDF", apply("/", apply("abs", x), constant(4)), constant(1), constant(2)),
        lambda x, _: NormalDist(1, 2).inv_cdf(abs(x) / 4),
    ),
    "stdNormalPDF": (apply("stdNormalPDF", x), lambda x, _: NormalDist().pdf(x)),
    "stdNormalCDF": (apply("stdNormalCDF", x), lambda x, _: NormalDist().cdf(x)),
    "stdNormalIDF": (
        apply("stdNormalIDF", apply("/", apply("abs", x), constant(4))),
        lambda x, _: NormalDist().inv_cdf(abs(x) / 4),
    ),
}

TESTS: dict[str, tuple[str, Callable[[float, float, str], bool]]] = {
    "equal": (apply("equal", c, constant("a", "string")), lambda x, z, c: c == "a"),
    "notEqual": (apply("notEqual", z, constant(1)), lambda x, z, c: z != 1),
    "lessThan": (apply("lessThan", x, z), lambda x, z, c: x < z),
    "lessOrEqual": (apply("lessOrEqual", x, constant(1.5)), lambda x, z, c: x <= 1.5),  # noqa: PLR2004
    "greaterThan": (apply("greaterThan", x, constant(1.5)), lambda x, z, c: x > 1.5),  # noqa: PLR2004
    "greaterOrEqual": (apply("greaterOrEqual", x, constant(1.5)), lambda x, z, c: x >= 1.5),  # noqa: PLR2004
    "and": (
        apply("and", apply("greaterThan", x, constant(1)), apply("greaterThan", z, constant(0))),
        lambda x, z, c: x > 1 and z > 0,
    ),
    "or": (
        apply("or", apply("greaterThan", x, constant(1)), apply("greaterThan", z, constant(0))),
        lambda x, z, c: x > 1 or z > 0,
    ),
    "not": (apply("not", apply("greaterThan", x, constant(1))), lambda x, z, c: x <= 1),
    "isIn": (apply("isIn", c, constant("a", "string"), constant("b", "string")), lambda x, z, c: c in "ab"),
    "isNotIn": (apply("isNotIn", c, constant("a", "string"), constant("b", "string")), lambda x, z, c: c not in "ab"),
    "matches": (apply("matches", c, constant("[ab]", "string")), lambda x, z, c: c in "ab"),
}

TEXTS: dict[str, tuple[str, Callable[[str], str]]] = {
    "uppercase": (apply("uppercase", c), str.upper),
    "lowercase": (apply("lowercase", constant("ABC", "string")), lambda _: "abc"),
    "concat": (apply("concat", c, constant("xyz", "string")), lambda c: c + "xyz"),
    "substring": (
        apply(
            "substring", apply("concat", c, constant("xyz", "string")), constant(2, "integer"), constant(2, "integer")
        ),
        lambda _: "xy",
    ),
    "replace": (
        apply("replace", c, constant("a", "string"), constant("aaaa", "string")),
        lambda c: c.replace("a", "aaaa"),
    ),
    "trimBlanks": (
        apply("trimBlanks", apply("concat", constant("  ", "string"), c, constant(" ", "string"))),
        lambda c: c,
    ),
    "choice": (
        apply(
            "if", apply("equal", c, constant("a", "string")), constant("first", "string"), constant("other", "string")
        ),
        lambda c: "first" if c == "a" else "other",
    ),
}


def shown(expressions: dict[str, str], data_type: str = "double") -> tuple[str, str]:
    """Derived fields, and the outputs that show each of them."""
    local = "".join(derived(f"d_{name}", text, data_type) for name, text in expressions.items())
    fields = (output(name, "transformedValue", data_type, ref(f"d_{name}")) for name in expressions)
    return local, outputs(output("py", "predictedValue"), *fields)


def _functions(name: str, expressions: dict[str, str], data_type: str, answer: Callable[[Row], Row]) -> Written:
    local, result = shown(expressions, data_type)
    text = document((X, Z, C, TARGET), linear(schema("x", "z", "c"), "x", local=local, result=result))
    return Written(name=name, text=text, rows=ROWS, answer=lambda row: {"py": 1 + float(row["x"] or 0)} | answer(row))


def _pair(row: Row) -> tuple[float, float]:
    return float(row["x"] or 0), float(row["z"] or 0)


FUNCTIONS = (
    _functions(
        "functions-numbers",
        {name: text for name, (text, _) in NUMBERS.items()},
        "double",
        lambda row: {name: float(function(*_pair(row))) for name, (_, function) in NUMBERS.items()},
    ),
    _functions(
        "functions-median",
        {"median": apply("median", x, z, constant(0.75))},
        "double",
        lambda row: {"median": median([*_pair(row), 0.75])},
    ),
    _functions(
        "functions-tests",
        {name: one(text) for name, (text, _) in TESTS.items()},
        "double",
        lambda row: {name: float(test(*_pair(row), str(row["c"]))) for name, (_, test) in TESTS.items()},
    ),
    _functions(
        "functions-texts",
        {name: text for name, (text, _) in TEXTS.items()},
        "string",
        lambda row: {name: function(str(row["c"])) for name, (_, function) in TEXTS.items()},
    ),
    _functions(
        "functions-lengths",
        {"length": apply("stringLength", apply("concat", c, constant("xyz", "string")))},
        "integer",
        lambda row: {"length": 1 + len("xyz")},
    ),
)


def _missing() -> Written:
    """What becomes of missing values in functions."""
    expressions = {
        "mapped": apply("+", x, constant(1), mapMissingTo=3),
        "default": apply("+", x, constant(1), defaultValue=3),
        "isMissing": one(apply("isMissing", x)),
        "isNotMissing": one(apply("isNotMissing", x)),
        "sum": apply("sum", x, z),
        "max": apply("max", x, z),
        "plus": apply("+", x, z),
        "reference": tag("FieldRef", field="x", mapMissingTo="7"),
    }
    local, result = shown(expressions)
    model = linear(schema("x", "z", "c", all_=AS_IS), "d_reference", local=local, result=result)
    return Written(name="functions-missing", text=document((X, Z, C, TARGET), model), rows=WITH_MISSING)


def points(*pairs: tuple[float, float]) -> str:
    """The points of a function that is linear between them."""
    return "".join(tag("LinearNorm", orig=orig, norm=norm) for orig, norm in pairs)


def interval(closure: str, low: float | None, high: float | None) -> str:
    """An interval."""
    return tag("Interval", closure=closure, leftMargin=low, rightMargin=high)


def _normalised() -> Written:
    curve = points((-1, 0), (1, 0.5), (2, 1))
    expressions = {
        "as_is": field("x", "NormContinuous", curve),
        "extreme": field("x", "NormContinuous", curve, outliers="asExtremeValues"),
        "as_missing": field("x", "NormContinuous", curve, outliers="asMissingValues"),
        "filled": field("x", "NormContinuous", curve, mapMissingTo=0.7),
        "one_hot": field("c", "NormDiscrete", value="a"),
        "one_hot_filled": field("c", "NormDiscrete", value="a", mapMissingTo=0.25),
    }
    local, result = shown(expressions)
    model = linear(schema("x", "z", "c", all_=AS_IS), "d_filled", local=local, result=result)
    return Written(name="derived-normalised", text=document((X, Z, C, TARGET), model), rows=WITH_MISSING)


def _discretized() -> Written:
    bins = (
        tag("DiscretizeBin", interval("openClosed", None, 0), binValue=1),
        tag("DiscretizeBin", interval("openOpen", 0, 2), binValue=2),
        tag("DiscretizeBin", interval("closedOpen", 2, None), binValue=3),
    )
    local, result = shown({"bin": field("x", "Discretize", *bins)})
    model = linear(schema("x"), "d_bin", local=local, result=result)
    rows: tuple[Row, ...] = tuple({"x": value} for value in (-1.0, 0.0, 0.5, 2.0, 5.0))

    def answer(row: Row) -> Row:
        value = float(row["x"] or 0)
        found = 1.0 if value <= 0 else 2.0 if value < 2 else 3.0  # noqa: PLR2004 (the borders of the bins)
        return {"py": 1 + found, "bin": found}

    return Written(name="derived-discretized", text=document((X, TARGET), model), rows=rows, answer=answer)


def _mapped() -> Written:
    pairs = tag("FieldColumnPair", field="c", column="i")
    table = tag("InlineTable", *(f"<row><i>{i}</i><o>{o}</o></row>" for i, o in (("a", 1.5), ("b", 2.5))))
    mapping = tag("MapValues", pairs, table, outputColumn="o", defaultValue=7, mapMissingTo=8, dataType="double")
    two = (
        pairs + tag("FieldColumnPair", field="k", column="j"),
        tag(
            "InlineTable",
            *(
                f"<row><i>{i}</i><j>{j}</j><o>{o}</o></row>"
                for i, j, o in (("a", "m", 1), ("a", "n", 2), ("b", "m", 3))
            ),
        ),
    )
    local, result = shown(
        {"one": mapping, "two": tag("MapValues", *two, outputColumn="o", defaultValue=9, dataType="double")}
    )
    model = linear(schema("c", "k", all_=AS_IS), "d_one", local=local, result=result)
    rows: tuple[Row, ...] = tuple({"c": i, "k": j} for i in ("a", "b", "d", None) for j in ("m", "n"))
    values: dict[object, float] = {"a": 1.5, "b": 2.5, None: 8.0}
    both = {("a", "m"): 1.0, ("a", "n"): 2.0, ("b", "m"): 3.0}

    def answer(row: Row) -> Row:
        found = values.get(row["c"], 7.0)
        return {"py": 1 + found, "one": found, "two": both.get((str(row["c"]), str(row["k"])), 9.0)}

    fields = (C, category("k", "m", "n"), TARGET)
    present = tuple(row for row in rows if row["c"] is not None)
    return Written(name="derived-mapped", text=document(fields, model), rows=present, answer=answer)


def _defined() -> Written:
    """A function of the file's own, in the transformation dictionary, and a derived field of a derived field."""
    parameter = tag("ParameterField", name="p", optype="continuous", dataType="double")
    twice = tag(
        "DefineFunction",
        parameter,
        apply("*", ref("p"), constant(2)),
        name="twice",
        optype="continuous",
        dataType="double",
    )
    shared = tag("TransformationDictionary", twice, derived("shared", apply("twice", x)))
    local = derived("again", apply("twice", ref("shared")))
    model = linear(schema("x"), "again", local=local)
    rows: tuple[Row, ...] = tuple({"x": row["x"]} for row in ROWS)
    return Written(
        name="derived-defined",
        text=document((X, TARGET), model, shared),
        rows=rows,
        answer=lambda row: {"py": 1 + 4 * float(row["x"] or 0)},
    )


def _text_index() -> Written:
    """How often a word is in a text, counted in several ways."""

    def count(weights: str, term: str, **more: object) -> str:
        return tag("TextIndex", constant(term, "string"), textField="t", localTermWeights=weights, **more)

    expressions = {
        "frequency": count("termFrequency", "sun"),
        "binary": count("binary", "sun"),
        "cased": count("termFrequency", "Sun", isCaseSensitive=True),
        "near": count("termFrequency", "son", maxLevenshteinDistance=1),
    }
    local, result = shown(expressions)
    model = linear(schema("t"), "d_frequency", local=local, result=result)
    texts = ("the sun and the Sun", "moon", "sun sun sun", "a son of the sun")
    rows: tuple[Row, ...] = tuple({"t": text} for text in texts)
    return Written(name="derived-text-index", text=document((category("t"), TARGET), model), rows=rows)


def _outputs() -> Written:
    """Outputs that are made of the prediction."""
    decide = apply(
        "if", apply("greaterThan", ref("py"), constant(2)), constant("hi", "string"), constant("lo", "string")
    )
    words = tag("Decisions", tag("Decision", value="hi"), tag("Decision", value="lo"))
    result = outputs(
        output("py", "predictedValue"),
        output("tenfold", "transformedValue", "double", apply("*", ref("py"), constant(10))),
        output("word", "decision", "string", words, decide),
    )
    text = document((X, TARGET), linear(schema("x"), "x", result=result))

    def answer(row: Row) -> Row:
        value = 1 + float(row["x"] or 0)
        return {"py": value, "tenfold": 10 * value, "word": "hi" if value > 2 else "lo"}  # noqa: PLR2004

    rows: tuple[Row, ...] = tuple({"x": row["x"]} for row in ROWS)
    return Written(name="outputs-transformed", text=text, rows=rows, answer=answer)


def _data_types() -> Written:
    """Inputs of every type of number, and of truth and text."""
    fields = (number("x", "float"), number("n", "integer"), category("b", data_type="boolean"), TARGET)
    local, result = shown(
        {
            "truth": one(apply("equal", ref("b"), constant("true", "boolean"))),
            "twice": apply("*", ref("n"), constant(2)),
        }
    )
    model = linear(schema("x", "n", "b"), "x", "d_truth", "n", local=local, result=result)
    rows: tuple[Row, ...] = ({"x": 0.5, "n": 3, "b": True}, {"x": -2.25, "n": -7, "b": False})

    def answer(row: Row) -> Row:
        whole, truth = float(row["n"] or 0), float(bool(row["b"]))
        return {"py": 1 + float(row["x"] or 0) + whole + truth, "truth": truth, "twice": 2 * whole}

    return Written(name="inputs-of-types", text=document(fields, model), rows=rows, answer=answer)


MODELS = (
    *FUNCTIONS,
    _missing(),
    _normalised(),
    _discretized(),
    _mapped(),
    _defined(),
    _text_index(),
    _outputs(),
    _data_types(),
)
