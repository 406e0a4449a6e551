"""Whether jobs have as many workers as tasks."""

from __future__ import annotations

from penstock.local.workers import missing


def test_each_task_needs_a_worker() -> None:
    """A deployable with fewer workers than tasks is told, with both numbers; one without any too."""
    tasks = {"input_adapter": 2, "pmml_job": 4, "output_adapter": 2}

    assert missing(tasks, ["input_adapter"] * 2 + ["pmml_job"] * 3) == {
        "pmml_job": "3 of 4",
        "output_adapter": "0 of 2",
    }


def test_more_workers_than_tasks_are_enough() -> None:
    """Those of a job that was replaced may not have said good-bye yet; those of a job without tasks do not count."""
    assert missing({"input_adapter": 2}, ["input_adapter"] * 3 + ["pmml_job"]) == {}
