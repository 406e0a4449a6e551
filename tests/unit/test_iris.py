"""The iris events of ``penstock generate``."""

import json
from itertools import islice

import pytest

from penstock.iris import COLUMNS, DEMO_TOPICS, Event, Form, Recipe, events, measurements


def make(**options: object) -> list[Event]:
    """Events of a recipe, seeded and 200 long unless told otherwise."""
    recipe = {"seed": 7, "count": 200, **options}
    return list(events(Recipe(**recipe)))  # type: ignore[arg-type]  # a factory of keyword options


def test_table_holds_the_150_measurements() -> None:
    """The packaged table has Fisher's 150 rows of four positive numbers."""
    table = measurements()

    assert len(table) == 150
    assert table[0] == (5.1, 3.5, 1.4, 0.2)
    assert all(len(row) == len(COLUMNS) and min(row) > 0 for row in table)


@pytest.mark.parametrize("form", Form)
def test_same_seed_gives_the_same_bytes(form: Form) -> None:
    """Two runs of one seed are equal byte for byte, poison included; another seed differs."""
    assert make(form=form, poison_percent=10) == make(form=form, poison_percent=10)
    assert make(form=form) != make(form=form, seed=8)


def test_json_event_has_the_documented_fields() -> None:
    """A JSON event has type, id counted from 1, four numbers with one decimal, user and ts; its key is the user."""
    first, second = make()[:2]
    event = json.loads(first.value or b"")

    assert list(event) == ["type", "id", *COLUMNS, "user", "ts"]
    assert event["type"] == "iris"
    assert (event["id"], json.loads(second.value or b"")["id"]) == (1, 2)
    assert all(event[column] == round(event[column], 1) > 0 for column in COLUMNS)
    assert first.key == event["user"].encode()


def test_csv_and_tagged_carry_the_same_rows_as_json() -> None:
    """One seed gives the same measurements in every form."""
    as_json, as_csv, as_tagged = (make(form=form, type="iris-forest") for form in Form)

    for one, two, three in zip(as_json, as_csv, as_tagged, strict=True):
        row = json.loads(one.value or b"")
        assert two.value == ",".join(str(row[column]) for column in COLUMNS).encode()
        assert three.value == b"iris-forest###" + two.value
        assert one.key == two.key == three.key


def test_keys_is_the_number_of_distinct_keys() -> None:
    """Asking for three keys gives exactly u1, u2 and u3."""
    assert {event.key for event in make(keys=3)} == {b"u1", b"u2", b"u3"}


def test_count_zero_never_ends() -> None:
    """A recipe without a count goes on for as long as one asks."""
    assert len(list(islice(events(Recipe(seed=1)), 1000))) == 1000


def test_unseeded_runs_differ() -> None:
    """Without a seed two runs are not the same."""
    assert make(seed=None) != make(seed=None)


@pytest.mark.parametrize("form", Form)
def test_poison_leaves_the_good_events_as_they_were(form: Form) -> None:
    """Spoilt events are told apart and about as many as asked for; the others equal those of a run without poison."""
    clean, mixed = make(form=form, count=2000), make(form=form, count=2000, poison_percent=10)
    spoilt = [event for event in mixed if event.poison]

    assert 120 < len(spoilt) < 280
    assert all(got == want for got, want in zip(mixed, clean, strict=True) if not got.poison)
    assert all(got.value != want.value for got, want in zip(mixed, clean, strict=True) if got.poison)


def test_all_poison_spoils_every_event() -> None:
    """100 % poison leaves no good event, and every kind of fault occurs."""
    kinds = {event.poison for event in make(poison_percent=100)}

    assert kinds == {
        "tombstone",
        "not-utf8",
        "broken-json",
        "no-type",
        "unknown-type",
        "missing-feature",
        "wrong-feature",
    }


def test_each_form_has_its_demo_topic() -> None:
    """Every form has a default topic and no two share one."""
    assert set(DEMO_TOPICS) == set(Form)
    assert len(set(DEMO_TOPICS.values())) == len(Form)
