"""Which versions are served: what comes, what takes over, and what may go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.local.model_server.refusal import Code, Refusal
from penstock.local.model_server.repository import (
    All,
    Found,
    Latest,
    Load,
    ModelConfig,
    Repository,
    Specific,
    State,
    Unload,
)

if TYPE_CHECKING:
    from penstock.local.model_server.repository import Policy, Version


class Fake:
    """A model that is loaded, or closed."""

    signatures: dict[str, object] = {}  # noqa: RUF012  nobody changes it

    def run(self, name: str, inputs: object) -> object:
        """Nobody asks."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""


def found(*numbers: int, identity: str = "") -> dict[str, dict[int, Found]]:
    """Folders of the one model."""
    return {"m": {number: Found(Path(f"/m/{number}"), f"{number}{identity}") for number in numbers}}


def served(policy: Policy = Latest(), **labels: int) -> Repository:  # noqa: B008  a tuple of numbers
    """A repository that is to serve the one model."""
    repository = Repository()
    repository.configure({"m": ModelConfig(Path("/m"), policy, labels)})
    return repository


def settle(repository: Repository, *bad: int) -> list[str]:
    """Do all steps; loading fails for some versions. Return what was done."""
    done = []
    while steps := list(repository.steps()):
        for step in steps:
            match step:
                case Load(version) if version.number in bad:
                    repository.failed(version, Refusal(Code.NOT_FOUND, "no model"))
                    done.append(f"failed {version.number}")
                case Load(version):
                    repository.loaded(version, Fake())  # type: ignore[arg-type]
                    done.append(f"load {version.number}")
                case Unload(version):
                    repository.unloaded(version)
                    done.append(f"unload {version.number}")
    return done


def available(repository: Repository) -> list[int]:
    """Which versions can be used."""
    return [number for number, each in repository.states("m").items() if each.state is State.AVAILABLE]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Latest(), [3]),
        (Latest(2), [3, 2]),
        (Specific(frozenset({1, 7})), [1]),
        (All(), [3, 2, 1]),
    ],
)
def test_policy_says_which_versions_are_served(policy: Policy, expected: list[int]) -> None:
    """Of those that there are."""
    repository = served(policy)
    repository.offer(found(1, 2, 3))
    settle(repository)

    assert available(repository) == expected


def test_older_version_goes_when_the_newer_one_is_there() -> None:
    """At no moment is there none."""
    repository = served()
    repository.offer(found(1))
    settle(repository)
    repository.offer(found(1, 2))

    assert settle(repository) == ["load 2", "unload 1"]
    assert repository.version("m").number == 2


def test_older_version_stays_when_the_newer_one_is_bad() -> None:
    """What can be used is better than nothing; the bad one says why."""
    repository = served()
    repository.offer(found(1))
    settle(repository)
    repository.offer(found(1, 2))

    assert settle(repository, 2) == ["failed 2"]
    assert repository.version("m").number == 1
    assert str(repository.states("m")[2].error) == "no model"


def test_bad_version_is_tried_again_when_its_folder_is_another() -> None:
    """And not before."""
    repository = served()
    repository.offer(found(1))
    settle(repository, 1)
    repository.offer(found(1))
    assert settle(repository) == []

    repository.offer(found(1, identity="new"))
    assert settle(repository) == ["load 1"]


def test_other_model_in_the_same_place_takes_over() -> None:
    """The one before it is closed."""
    repository = served()
    repository.offer(found(1))
    settle(repository)
    repository.offer(found(1, identity="new"))

    assert sorted(settle(repository)) == ["load 1", "unload 1"]
    assert available(repository) == [1]


def test_version_in_use_is_closed_after_its_last_call() -> None:
    """New calls do not get it any more."""
    repository = served()
    repository.offer(found(1))
    settle(repository)
    with repository.held(repository.version("m")) as version:
        repository.offer(found())
        assert settle(repository) == []
        assert version.state is State.UNLOADING
        with pytest.raises(Refusal, match=r"Servable not found for request: Latest\(m\)"):
            repository.version("m")

    assert settle(repository) == ["unload 1"]
    assert version.state is State.END


def test_version_that_comes_back_is_loaded_again() -> None:
    """As if it were new."""
    repository = served(All())
    for numbers in ((1, 2), (1,), (1, 2)):
        repository.offer(found(*numbers))
        settle(repository)

    assert available(repository) == [2, 1]


def test_model_that_is_not_configured_any_more_goes() -> None:
    """All of its versions."""
    repository = served(All())
    repository.offer(found(1, 2))
    settle(repository)
    repository.configure({})
    repository.offer({})

    assert sorted(settle(repository)) == ["unload 1", "unload 2"]


def test_nothing_is_settled_while_something_comes() -> None:
    """Whoever waits for the first models waits for that."""
    repository = served()
    repository.offer(found(1))
    assert not repository.settled
    settle(repository, 1)
    assert repository.settled


def test_labels_stand_for_versions() -> None:
    """An unknown one is the caller's fault; one for a version that is away is not."""
    repository = served(All(), stable=1, canary=9)
    repository.offer(found(1, 2))
    settle(repository)

    assert repository.version("m", None, "stable").number == 1
    refusals: dict[str, Version | int] = {}
    for label in ("canary", "nothing"):
        with pytest.raises(Refusal, match=r"Specific\(m, 9\)|label: nothing") as caught:
            repository.version("m", None, label)
        refusals[label] = caught.value.code
    assert refusals == {"canary": Code.NOT_FOUND, "nothing": Code.INVALID_ARGUMENT}
