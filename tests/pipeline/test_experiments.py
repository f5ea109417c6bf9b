"""DVC's experiments, for real (contract, point 5)."""

import json
import sys
import time
from pathlib import Path

import pytest

from tests.support.commands import call, recipe
from tests.support.engines import nothing_to_do, results
from tests.support.makers import patch_params

ABOUT = {"Experiment", "rev", "typ", "Created", "parent", "State", "Executor"}
FIGURES = ["best", "overall", "para", "sst", "sts"]
QUEUED = {"probes-1", "probes-2"}
OF_ONE_METHOD = "method.cosine.finetune.lr"  # the other one need not be trained again


def columns(project: Path) -> list[str]:
    """The columns of `make compare`, those aside that every table of experiments has."""
    found = call(project, "sh", "-c", recipe("compare").replace("--md", "--csv")).stdout.splitlines()[0].split(",")
    return [name for name in found if name not in ABOUT]


def test_an_experiment_is_run_compared_and_applied(project: Path, finished: Path) -> None:
    call(project, "dvc", "exp", "run", "-q", "-S", f"+{OF_ONE_METHOD}=0.01", "-n", "fast")
    fast = results(project)
    call(project, sys.executable, "-m", "protomtl", "summary")  # each run by Snakemake ends with it
    assert columns(project) == [*FIGURES, OF_ONE_METHOD]
    call(project, "git", "checkout", "-q", "docs/runs/current")
    shown = json.loads(call(project, "dvc", "params", "diff", "--json").stdout)
    assert list(shown["params.yaml"]) == [OF_ONE_METHOD]
    moved = json.loads(call(project, "dvc", "metrics", "diff", "--json").stdout)
    assert set(moved["results/tables/metrics.json"]) >= {"overall"}
    by_method = ("dvc", "metrics", "diff", "--json", "--targets", "results/tables/methods.json")
    assert "cosine" in call(project, *by_method).stdout
    curves = json.loads(call(project, "dvc", "plots", "diff", "main", "fast", "--json").stdout)["data"]
    assert {f"results/curves/{kind}/prototypical/seed1/curve.csv" for kind in ("train", "dev")} <= set(curves)
    (plot,) = curves["results/curves/train/prototypical/seed1/curve.csv"]
    points = plot["content"]["data"]["values"]
    assert {(p["rev"], p["step"]) for p in points} == {(rev, str(n)) for rev in ("main", "fast") for n in range(1, 5)}
    call(project, "git", "checkout", "-q", "params.yaml", "dvc.lock")
    call(project, "dvc", "checkout", "-q")
    assert results(project) == results(finished)
    call(project, "dvc", "exp", "apply", "-q", "fast")
    assert results(project) == fast != results(finished)
    nothing_to_do(project)


@pytest.fixture
def queued(project: Path) -> Path:
    """Two experiments in the queue, and a workspace whose code has gone on since."""
    call(project, *["dvc", "exp", "run", "-q", "-S", "embed.probe_samples=30,31", "-n", "probes", "--queue"])
    with (project / "src/protomtl/steps/embed/step.py").open("a") as file:
        file.write("raise SystemExit('the code of the workspace, not of the experiment')\n")
    return project


def outcome(project: Path) -> dict[str, str]:
    """Name of each queued experiment -> its status."""
    lines = call(project, "dvc", "queue", "status").stdout.splitlines()
    return {line.split()[1]: line.split()[-1] for line in lines if "probes" in line}


def ended(project: Path) -> bool:
    """Whether those in the queue have left what they made, or one of them failed. To ask git takes no time."""
    names = call(project, "git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    return "refs/exps/celery/failed" in names or {name.split("/")[-1] for name in names} >= QUEUED


def test_queued_experiments_run_with_the_code_they_were_queued_with(queued: Path) -> None:
    call(queued, "dvc", "queue", "start", "-q")
    end = time.monotonic() + 300
    while not ended(queued) and time.monotonic() < end:
        time.sleep(0.5)
    while set(outcome(queued).values()) & {"Queued", "Running"} and time.monotonic() < end:
        time.sleep(1)
    call(queued, "dvc", "queue", "stop", "-q")
    assert outcome(queued) == dict.fromkeys(QUEUED, "Success")


def test_run_all_runs_the_queue_and_temp_leaves_the_workspace_alone(queued: Path, finished: Path) -> None:
    call(queued, "dvc", "exp", "run", "-q", "--run-all")
    assert outcome(queued) == dict.fromkeys(QUEUED, "Success")
    call(queued, "git", "checkout", "-q", "src")
    call(queued, "dvc", "exp", "run", "-q", "-S", "methods=[prototypical]", "--temp", "-n", "aside")
    assert results(queued) == results(finished)
    names = call(queued, "dvc", "exp", "list", "--name-only").stdout.split()
    assert sorted(names) == ["aside", *sorted(QUEUED)]
    assert columns(queued)[-2:] == ["methods", "embed.probe_samples"]


def test_a_parallel_experiment_is_a_snakemake_run_that_is_saved(project: Path, finished: Path) -> None:
    patch_params(project, {"embed": {"probe_samples": 30}})
    call(project, "snakemake", "--cores", "4", "all")
    saved = results(project)
    assert saved != results(finished)
    call(project, "dvc", "exp", "save", "-q", "-n", "parallel")
    call(project, "git", "checkout", "-q", "params.yaml", "dvc.lock")
    call(project, "dvc", "checkout", "-q")
    assert results(project) == results(finished)
    call(project, "dvc", "exp", "apply", "-q", "parallel")
    assert results(project) == saved
    nothing_to_do(project)
