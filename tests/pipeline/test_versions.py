"""Any version can be had again: by branch, from a remote, with any type of cache (contract, point 4)."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from protomtl.core.files import read_json, write_json
from tests.support import engines
from tests.support.commands import call
from tests.support.edits import append
from tests.support.engines import ENGINES, nothing_is_done, nothing_to_do, planned, results
from tests.support.makers import patch_params
from tests.support.versions import commit

EXPERIMENTS = ("dvc", "exp", "show", "--csv")
RESTORE = {"snakemake": ("snakemake", "--cores", "4", "all"), "dvc": ("dvc", "repro", "--pull")}


def switch(project: Path, branch: str) -> None:
    call(project, "git", "checkout", "-q", branch)
    call(project, "dvc", "checkout", "-q")


def publish(project: Path, remote: Path) -> None:
    call(project, "dvc", "remote", "add", "-q", "-d", "storage", str(remote))
    commit(project, "remote")
    call(project, "dvc", "push", "-q")


def test_a_checkout_of_git_and_dvc_brings_a_run_back(project: Path, finished: Path) -> None:
    call(project, "git", "checkout", "-q", "-b", "fewer")
    patch_params(project, {"methods": ["prototypical"]})
    engines.run(project, "snakemake")
    commit(project, "one method less")
    fewer = results(project)
    switch(project, "main")
    nothing_to_do(project)
    assert results(project) == results(finished)
    assert "Cosine similarity STS" in call(project, "protomtl", "summary").stdout
    switch(project, "fewer")
    nothing_to_do(project)
    assert results(project) == fewer != results(finished)  # also nothing of the other method
    assert "Cosine similarity STS" not in call(project, "protomtl", "summary").stdout


def test_a_clone_without_results_shows_the_figures_of_the_run_in_git(project: Path, tmp_path: Path) -> None:
    """A metrics file in git cannot lie in an output of a stage; `protomtl summary` copies it to where it can."""
    clone, kept = tmp_path / "clone", "docs/runs/current/metrics.json"
    call(tmp_path, "git", "clone", "-q", str(project), str(clone))
    figures = read_json(project / "results/tables/metrics.json")
    assert read_json(clone / kept) == {"kept": figures}
    assert call(clone, "dvc", "metrics", "diff").stdout == ""
    rows = {row["rev"]: row for row in csv.DictReader(call(clone, *EXPERIMENTS).stdout.splitlines())}
    for name in ("workspace", "main"):
        assert float(rows[name]["kept.overall"]) == pytest.approx(figures["overall"], abs=1e-4)
        assert rows[name]["kept.best"] == figures["best"]
    patch_params(clone, {"finetune": {"lr": 0.01}})
    moved = {"kept": {**figures, "overall": figures["overall"] + 0.5}}  # as a run on another machine may have it
    write_json(clone / kept, moved)
    assert "finetune.lr" in call(clone, "dvc", "params", "diff").stdout
    shown = json.loads(call(clone, "dvc", "metrics", "diff", "--json").stdout)[kept]
    assert shown["kept.overall"] == {"old": figures["overall"], "new": figures["overall"] + 0.5, "diff": 0.5}
    plots = call(clone, "dvc", "plots", "show", "--json", "docs/runs/current/curves/dev").stdout
    assert "docs/runs/current/curves/dev/cosine/seed1/curve.csv" in plots


def test_a_clone_that_pulls_has_nothing_to_do_and_plans_an_edit_alone(project: Path, tmp_path: Path) -> None:
    publish(project, tmp_path / "remote")
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(project), str(clone))
    call(clone, "dvc", "pull", "-q")
    nothing_is_done(clone)
    assert results(clone) == results(project)
    patch_params(clone, {"embed": {"samples": 5}})
    assert planned(clone) == {"embed"}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_clone_with_a_remote_restores_all_without_a_pull(engine: str, project: Path, tmp_path: Path) -> None:
    publish(project, tmp_path / "remote")
    clone = tmp_path / "clone"
    call(tmp_path, "git", "clone", "-q", str(project), str(clone))
    restored = call(clone, *RESTORE[engine])
    assert "Running stage" not in restored.stdout + restored.stderr
    assert results(clone) == results(project)
    nothing_to_do(clone)


def test_what_is_here_needs_no_remote(project: Path, tmp_path: Path) -> None:
    publish(project, tmp_path / "remote")
    shutil.rmtree(tmp_path / "remote")
    (tmp_path / "remote").write_text("no folder: every access fails")
    append("src/protomtl/steps/ensemble.py", "# edited\n")(project)
    assert engines.run(project, "snakemake").ran == {"ensemble"}
    nothing_to_do(project)


@pytest.mark.parametrize("kind", ["copy", "hardlink", "symlink"])
def test_each_type_of_cache_serves(kind: str, project: Path, finished: Path) -> None:
    call(project, "dvc", "config", "cache.type", kind)
    call(project, "dvc", "checkout", "-q", "--relink")
    nothing_to_do(project)
    table = project / "results/tables/table1.csv"
    assert table.is_symlink() == (kind == "symlink") and (table.stat().st_nlink > 1) == (kind == "hardlink")
    before = (project / "params.yaml").read_text()
    patch_params(project, {"methods": ["prototypical"]})
    first, second = ("snakemake", "dvc") if kind == "symlink" else ("dvc", "snakemake")
    assert engines.run(project, first).ran == {"collect", "tables", "ensemble", "report", "figures"}
    (project / "params.yaml").write_text(before)
    assert engines.run(project, second).ran == set()  # and nothing was written through a link into the cache
    assert results(project) == results(finished)
    nothing_to_do(project)
