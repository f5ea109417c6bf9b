"""Presets patch params.yaml in place: comments stay, mistakes change nothing, `paper` is complete."""

import shutil
from pathlib import Path

import pytest

from protomtl import config, preset
from protomtl.sampling import steps_per_epoch

from .conftest import ROOT, patch_params
from .steps import run_all


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "presets").glob("*.yaml")))
def test_a_preset_gives_sound_parameters_and_keeps_every_comment(project: Path, name: str) -> None:
    before = (project / "params.yaml").read_text()
    preset.apply(name)
    after = (project / "params.yaml").read_text()
    assert before != after
    comments = [line.split("#", 1)[1] for line in before.splitlines() if "#" in line]
    assert all(comment in after for comment in comments)
    config.load()


def test_applying_twice_is_applying_once(project: Path) -> None:
    preset.apply("paper")
    once = (project / "params.yaml").read_text()
    preset.apply("paper")
    assert (project / "params.yaml").read_text() == once


@pytest.mark.parametrize(
    ("text", "message"),
    [("finetune: {lrr: 1}", r"finetune\.lrr: params\.yaml has no such key"), ("finetune: {lr: x}", r"finetune\.lr")],
)
def test_a_wrong_preset_changes_nothing(project: Path, text: str, message: str) -> None:
    before = (project / "params.yaml").read_text()
    (project / "presets/wrong.yaml").write_text(text)
    with pytest.raises(SystemExit, match=message):
        preset.apply("wrong")
    assert (project / "params.yaml").read_text() == before
    assert not list(project.glob("*.part"))


def test_an_unknown_preset_lists_those_that_exist(project: Path) -> None:
    with pytest.raises(SystemExit, match="there are: cs224n, everything, paper"):
        preset.apply("nosuch")


def test_paper_has_the_papers_settings(project: Path) -> None:
    preset.apply("paper")
    params = config.load()
    assert (params.data.source, params.backbone.name, params.backbone.pooling) == (
        "cs224n",
        "bert-base-uncased",
        "pooler",
    )
    starred = {"sst_weighted", "para_weighted", "sts_weighted", "shared_layers"}
    starred |= {"add_combination", "mult_combination", "concat_combination"}
    for name in params.methods[:13]:  # those of report and poster
        settings = config.finetuning(params.finetune, name, params.method[name].finetune)
        assert settings.epochs == (10 if name in starred else 20)
        assert (settings.batch_size, settings.lr, settings.head_lr) == (64, 1e-5, 1e-5)
        assert (settings.sampling, settings.schedule, settings.steps_per_epoch) == ("longest", "constant", 0)


def test_paper_runs_from_end_to_end_on_a_tiny_backbone(workdir: Path, tiny_backbone: Path) -> None:
    """All methods with the paper's epochs and sampling; only data and encoder are small."""
    shutil.copy(ROOT / "params.yaml", workdir)
    preset.apply("paper")
    patch_params(workdir, {"data": {"source": "folder"}, "backbone": {"name": str(tiny_backbone)}})
    patch_params(workdir, {"tokens": {"max_length": 32}, "compute": {"precision": "fp32"}})
    patch_params(workdir, {"embed": {"samples": 20, "perplexity": 5}})
    run_all()
    table = (workdir / "results/tables/table1.csv").read_text()
    assert all(f"\n{method}," in table for method in config.load().methods)


def test_everything_is_every_method_that_there_is(project: Path) -> None:
    preset.apply("everything")
    params = config.load()
    assert sorted(params.methods) == sorted(params.method) and len(params.seeds) == 5


@pytest.mark.parametrize("name", ["default", "cs224n", "paper"])
def test_the_longer_concat_has_as_many_updates_as_both_phases_of_the_prototypical(project: Path, name: str) -> None:
    if name != "default":
        preset.apply(name)
    params = config.load()
    first = config.recipe(params.pretrain, "prototypical", params.method["prototypical"].pretrain)
    second, longer = (
        config.finetuning(params.finetune, m, params.method[m].finetune) for m in ("prototypical", "concat_longer")
    )
    assert first is not None
    sizes = {"sst": 8544, "para": 50000, "sts": 6040}
    updates = [training.epochs * steps_per_epoch(sizes, training) for training in (first, second, longer)]
    assert updates[0] + updates[1] == updates[2]
