"""An auxiliary task is data for pre-training, where a recipe asks for it, and for nothing else."""

import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from protomtl import params
from protomtl.commands import preset, summary
from protomtl.core.files import digest_folder, read_json
from protomtl.core.paths import TREES
from tests.support import ROOT
from tests.support.makers import WORDS, make_workdir, patch_params
from tests.support.steps import run_all, run_method, run_steps

METHODS = ["concat", "prototypical"]
TEXT = {".html", ".csv", ".json", ".md", ".svg"}


def add_task(workdir: Path, learn: bool) -> None:
    """A fourth task `mood`, of the files of `sst`; every pre-training learns from it, or none."""
    sst = params.load().tasks["sst"].model_dump(exclude_none=True)
    patch_params(workdir, {"tasks": {"mood": {**sst, "auxiliary": True}}, "pretrain": {"auxiliary": learn}})


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A run whose pre-training learns from the auxiliary task; its tests only read it."""
    folder = make_workdir(tmp_path_factory.mktemp("auxiliary"), tiny_backbone)
    (folder / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch_params(folder, {"methods": METHODS})
        add_task(folder, learn=True)
        run_all()
        summary.show()
    return folder


@pytest.fixture
def learned(finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished_run)
    return finished_run / "results"


def steps_naming(word: str, results: Path) -> set[str]:
    """The steps among whose results is a file with this word in its path or its text."""
    files = [path.relative_to(results) for path in results.rglob("*") if path.is_file()]
    texts = {p: (results / p).read_text(encoding="utf-8") if p.suffix in TEXT else "" for p in files}
    return {path.parts[0] for path, text in texts.items() if word in f"{path}\n{text}"}


def test_an_auxiliary_task_is_reported_and_pre_trained_on_and_no_later_step_names_it(learned: Path) -> None:
    assert steps_naming("mood", learned) == {"prepare", "pretrain", "report"}  # the report shows the data
    later = {
        "finetune",
        "curves",
        "evaluate",
        "ensemble",
        "stress",
        "embed",
        "export",
        "tables",
        "report",
        "figures",
        "summary",
    }
    assert steps_naming("sst", learned) == {"prepare", "pretrain", *later}


def test_the_loss_of_pre_training_is_the_sum_over_main_and_auxiliary_tasks(learned: Path) -> None:
    curve = pd.read_csv(learned / "pretrain/prototypical/seed1/train.csv")
    losses = curve[["loss_sst", "loss_para", "loss_sts", "loss_mood"]]
    assert curve["loss"].to_numpy() == pytest.approx(losses.sum(axis=1).to_numpy(), abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_overall_stays_the_mean_over_the_main_tasks(learned: Path, method: str, split: str) -> None:
    found = read_json(learned / f"evaluate/{method}/seed1/metrics.json")[split]
    assert found["overall"] == pytest.approx((found["sst"] + found["para"] + found["sts"]) / 3, abs=2e-6)


def test_a_recipe_that_does_not_ask_for_the_task_gives_the_same_bytes_as_without_it(
    complete_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workdir = Path(shutil.copytree(complete_once, tmp_path / "p"))  # a run of METHODS
    monkeypatch.chdir(workdir)
    before = digests()
    add_task(workdir, learn=False)
    run_all()
    assert Path("data/tokens/mood/train/labels.npy").exists()
    assert digests() == before


def test_phrases_of_trees_are_learned_from_first_by_heads_or_prototypes_and_not_by_the_control(
    tmp_path: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As preset `phrases` has it, in a few steps on a few trees: `(LABEL (LABEL WORD) (LABEL WORD))`."""
    folder = make_workdir(tmp_path, tiny_backbone)
    monkeypatch.chdir(folder)
    trees = (f"({i % 5} ({i % 3} {a}) ({i % 4 + 1} {b}))" for i, (a, b) in enumerate(product(WORDS, WORDS)))
    (folder / "data/own" / TREES).write_text("\n".join(trees))
    preset.apply("phrases")
    names = params.load().methods[1:]
    budget = {"epochs": 1, "steps_per_epoch": 2, "batch_size": 16}
    blocks = {name: params.load().method[name] for name in names}
    short = {n: block.model_dump() | {"pretrain": {**(block.pretrain or {}), **budget}} for n, block in blocks.items()}
    patch_params(folder, {"method": short})
    run_steps("download", "backbone", "prepare", "tokens")
    learned = {}
    for name in names:
        run_method(name, "pretrain")
        curve = pd.read_csv(folder / f"results/pretrain/{name}/seed1/train.csv")
        assert curve["loss"].notna().all() and len(curve)
        learned[name] = "loss_phrases" in curve
    assert learned == {"best_twice": False, "best_phrases": True, "prototypes_phrases": True}


def digests() -> dict[str, str]:
    """Of all results but the report on the data and the seconds."""
    found = digest_folder(Path("results"))
    return {name: digest for name, digest in found.items() if name.split("/")[0] not in ("prepare", "report", "timing")}
