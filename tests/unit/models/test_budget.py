"""How long requests of a model that is being loaded may hold up others."""

from penstock.models.budget import WaitBudget
from penstock.models.ref import ModelRef

IRIS = ModelRef("iris", 1)


def test_batches_share_one_episode() -> None:
    """What one batch has waited the next cannot wait again."""
    budget = WaitBudget(500, 9_000)
    assert budget.left_ms(IRIS, 1) == 500
    budget.spent(IRIS, 1, 300)
    assert budget.left_ms(IRIS, 1) == 200
    budget.spent(IRIS, 1, 300)
    assert budget.left_ms(IRIS, 1) == 0


def test_another_loading_is_another_episode() -> None:
    """As is another model."""
    budget = WaitBudget(500, 9_000)
    budget.spent(IRIS, 1, 500)
    assert budget.left_ms(ModelRef("iris", 2), 1) == 500
    assert budget.left_ms(IRIS, 2) == 500
    budget.spent(IRIS, 2, 100)
    assert budget.left_ms(IRIS, 2) == 400


def test_what_is_ready_is_forgotten() -> None:
    """Nothing grows with the number of models that ever were."""
    budget = WaitBudget(500, 9_000)
    budget.spent(IRIS, 1, 100)
    budget.forget(IRIS)
    budget.forget(IRIS)
    assert budget.left_ms(IRIS, 1) == 500


def test_what_a_request_began_may_be_waited_for_longer() -> None:
    """It is in order, and only had no room: but the next loading of the same version may be a first one again."""
    budget = WaitBudget(500, 9_000)
    budget.reloads(IRIS, 1)
    budget.spent(IRIS, 1, 2_000)
    assert budget.left_ms(IRIS, 1) == 7_000
    assert budget.allowed(IRIS, 1) == (9_000, "models.reload_wait_ms")
    assert budget.allowed(IRIS, 2) == (500, "models.wait_ms")
    budget.forget(IRIS)
    assert budget.left_ms(IRIS, 1) == 500
