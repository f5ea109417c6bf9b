"""A benchmark's contender trains what the others are given."""

from pathlib import Path

from benchmarks import contenders, workload
from benchmarks.contenders import Job


def test_this_projects_contender_trains_the_batches_that_the_others_are_given(prepared: Path) -> None:
    steps = workload.WARM["cpu"] + 3
    found = contenders.training_run("protomtl", Job(1, steps, "check"))
    assert len(found["losses"]) == steps
    assert found["seconds"] > 0
    pairs = workload.pairs(steps, workload.BATCH)
    assert len(pairs) == len(workload.all_rows(steps, workload.BATCH))
    assert all(0 <= pair["label"] <= 1 for pair in pairs)
