"""The presets `paper` and `quick` as whole runs, small in data and encoder only."""

import shutil
from pathlib import Path

from protomtl import cli, params
from protomtl.commands import preset
from tests.support import ROOT, engines
from tests.support.commands import call
from tests.support.engines import nothing_to_do
from tests.support.makers import patch_params
from tests.support.steps import run_all


def test_paper_runs_from_end_to_end_on_a_tiny_backbone(workdir: Path, tiny_backbone: Path) -> None:
    """All methods with the paper's epochs and sampling; only data and encoder are small."""
    shutil.copy(ROOT / "params.yaml", workdir)
    preset.apply("paper")
    patch_params(workdir, {"data": {"source": "folder"}, "backbone": {"name": "folder", "folder": str(tiny_backbone)}})
    patch_params(workdir, {"tokens": {"max_length": 32}, "compute": {"precision": "fp32"}})
    patch_params(workdir, {"embed": {"samples": 4, "perplexity": 5}})
    run_all()
    assert rows_of_table(workdir) == set(params.load().methods)


def test_quick_runs_from_end_to_end(workdir: Path) -> None:
    """All methods of it; the engines have some of them."""
    preset.apply("quick")
    run_all()
    assert rows_of_table(workdir) == set(params.load().methods)


def test_quick_runs_on_tasks_of_ones_own(workdir: Path) -> None:
    """A task of each kind, on single texts: its seven methods ask for none of the paper's."""
    rows = [f"a film of {k} words,{('joy', 'joy; fear', 'none')[k % 3]},{k % 7 / 2},{'ab'[k % 2]}" for k in range(120)]
    Path("own.csv").write_text("\n".join(["text,tags,score,topic", *rows]))
    cli.run(["init", "own.csv", "--label", "tags", "score", "topic", "--yes"])
    preset.apply("quick")
    short = {"epochs": 1, "steps_per_epoch": 2, "batch_size": 8}
    patch_params(workdir, {"pretrain": short, "finetune": short})
    run_all()
    assert {task.kind for task in params.load().tasks.values()} == {"multilabel", "regression", "binary"}
    assert rows_of_table(workdir) == set(params.load().methods)


def test_quick_runs_by_both_engines(project: Path) -> None:
    """What `make quick` does, on data that are prepared: one engine begins, the other goes on.

    Of each kind of its methods one: an engine sees no more of a method than its name, and which phases it has.
    """
    call(project, "protomtl", "preset", "quick")
    methods = ["frozen_logistic", "concat", "prototypical"]
    assert set(methods) < set(params.load(project / "params.yaml").methods)
    patch_params(project, {"methods": methods})
    untrained = methods[:1]
    call(project, "snakemake", "--cores", "4", "--", *(f"results/evaluate/{method}/seed1" for method in untrained))
    rest = engines.run(project, "dvc").ran
    assert not rest & engines.stages("evaluate", methods=untrained) and {"tables", "report"} <= rest
    nothing_to_do(project)
    assert rows_of_table(project) == set(methods)


def rows_of_table(folder: Path) -> set[str]:
    """The methods of Table 1."""
    lines = (folder / "results/tables/table1.csv").read_text().splitlines()[1:]
    return {line.split(",")[0] for line in lines}
