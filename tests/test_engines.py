"""Both engines for real, on a tiny random backbone and a few rows of text (contract, points 1 and 2)."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from protomtl.files import digest_folder

from .conftest import call, clone, tiny

METHODS = ["baseline", "cosine", "prototypical"]
SNAKEMAKE = ("snakemake", "--cores", "4", "all")
STAGES = 4 + 3 * len(METHODS) + 3


@pytest.fixture(scope="module")
def by_snakemake(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    project = clone(tmp_path_factory.mktemp("snakemake") / "p", tiny(tiny_backbone, methods=METHODS))
    result = call(project, *SNAKEMAKE)
    (project / ".output").write_text(result.stdout + result.stderr)
    return project


@pytest.fixture(scope="module")
def by_dvc(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    project = clone(tmp_path_factory.mktemp("dvc") / "p", tiny(tiny_backbone, methods=METHODS))
    call(project, "dvc", "repro")
    return project


def nothing_to_do(project: Path) -> None:
    assert "Data and pipelines are up to date" in call(project, "dvc", "status").stdout
    plan = call(project, "snakemake", "-n", "all")
    assert "Nothing to be done" in plan.stdout + plan.stderr
    again = call(project, "dvc", "repro").stdout
    assert "Running stage" not in again and again.count("didn't change, skipping") == STAGES


def test_a_fresh_clone_by_snakemake_leaves_nothing_to_do_for_either_engine(by_snakemake: Path) -> None:
    nothing_to_do(by_snakemake)


def test_a_fresh_clone_by_dvc_leaves_nothing_to_do_for_either_engine(by_dvc: Path) -> None:
    nothing_to_do(by_dvc)


def test_both_engines_give_the_same_lock_and_the_same_bytes(by_snakemake: Path, by_dvc: Path) -> None:
    locks = [YAML(typ="safe").load(project / "dvc.lock") for project in (by_snakemake, by_dvc)]
    assert locks[0] == locks[1]
    found = [digest_folder(project / "results") for project in (by_snakemake, by_dvc)]
    kept = [{n: d for n, d in f.items() if not n.startswith(("timing/", "summary/"))} for f in found]
    assert kept[0] == kept[1]


def test_the_run_ends_with_the_table_and_where_everything_lies(by_snakemake: Path) -> None:
    output = (by_snakemake / ".output").read_text()
    assert "Prototypical pre-trained" in output and "results/tables/" in output and "(0.724)" in output


def test_under_forceall_the_jobs_are_dvcs_stages(by_snakemake: Path) -> None:
    stages = set(YAML(typ="safe").load(by_snakemake / "dvc.lock")["stages"])
    plan = call(by_snakemake, "snakemake", "-n", "all", "--forceall").stdout
    counts = dict(re.findall(r"^(\w+) +(\d+)$", plan, re.M))
    assert int(counts["total"]) - 1 == len(stages) == STAGES


def test_lint_and_report_work(by_snakemake: Path) -> None:
    lint = call(by_snakemake, "snakemake", "--lint", code=None)
    assert "Traceback" not in lint.stderr
    call(by_snakemake, "snakemake", "--report", "report.html")
    page = (by_snakemake / "report.html").read_text()
    assert len(page) > 10_000 and "finetune" in page


def test_an_edit_of_one_method_runs_that_method_and_the_report(by_dvc: Path, by_snakemake: Path) -> None:
    """The last test of these clones, since it changes them."""
    expected = {"finetune@cosine-1", "evaluate@cosine-1", "tables", "figures"}
    for project, command in ((by_dvc, ("dvc", "repro")), (by_snakemake, SNAKEMAKE)):
        text = (project / "params.yaml").read_text()
        (project / "params.yaml").write_text(text.replace("{similarity: cosine}", "{similarity: cosine, lr: 0.001}", 1))
        result = call(project, *command)
        assert set(re.findall(r"Running stage '([^']+)'", result.stdout + result.stderr)) == expected
        nothing_to_do(project)
