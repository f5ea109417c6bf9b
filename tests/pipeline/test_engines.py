"""Both engines for real, on a tiny random backbone and a few rows of text (contract, points 1 and 2)."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from protomtl.core import runner
from tests.support import engines
from tests.support.commands import call
from tests.support.engines import METHODS, goal, nothing_is_done, planned, results
from tests.support.makers import clone, tiny
from tests.support.once import Once


@pytest.fixture(scope="session")
def by_dvc(once: Once, tiny_backbone: Path) -> Path:
    return once("dvc", lambda folder: engines.run(clone(folder, tiny(tiny_backbone, methods=METHODS)), "dvc"))


def lock(project: Path) -> dict[str, object]:
    found: dict[str, object] = YAML(typ="safe").load(project / "dvc.lock")
    return found


def test_a_fresh_clone_by_snakemake_leaves_nothing_to_do_for_either_engine(project: Path) -> None:
    nothing_is_done(project)


def test_a_fresh_clone_by_dvc_leaves_nothing_to_do_for_either_engine(by_dvc: Path) -> None:
    nothing_is_done(by_dvc)


def test_both_engines_give_the_same_lock_and_the_same_bytes(finished: Path, by_dvc: Path) -> None:
    assert lock(finished) == lock(by_dvc)
    assert results(finished) == results(by_dvc)


def test_the_number_of_cores_changes_no_byte(project: Path, finished: Path) -> None:
    """A training again, which was made by four: by one, its code edited so that it runs."""
    with (project / "src/protomtl/training/loop.py").open("a") as file:
        file.write("# edited\n")
    training = goal("finetune@prototypical-1")
    again = call(project, "snakemake", "--cores", "1", training.path).stdout
    assert set(re.findall(r"Running stage '(\w+)", again)) == {"pretrain", "finetune"}
    assert results(project) == results(finished)


def test_the_run_ends_with_the_table_and_where_everything_lies(finished: Path) -> None:
    output = (finished.parent / "output").read_text()
    assert "Prototypical pre-trained" in output and "results/tables/" in output and "(0.724)" in output
    assert re.search(r"\d+ of \d+ jobs done, about \d+ s left", output)


def test_under_forceall_the_jobs_are_dvcs_stages(project: Path) -> None:
    stages = set(YAML(typ="safe").load(project / "dvc.lock")["stages"])
    assert planned(project, "--forceall") == stages
    assert stages == engines.stages(*engines.ONCE, *engines.PER_RUN)


def test_lint_finds_what_the_page_of_limits_says_and_the_list_has_a_rule_for_each_stage(project: Path) -> None:
    lint = call(project, "snakemake", "--lint", code=None).stderr
    assert {*re.findall(r"^ +\* (.*)$", lint, re.M)} == {"Specify a conda environment or container for each rule.:"}
    assert {*call(project, "snakemake", "--list").stdout.split()} == {"all", *runner.steps()}
