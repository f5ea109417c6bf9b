"""Methods that train some of the tasks, and the row that is put together from them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from protomtl import params
from protomtl.analysis import comparisons
from protomtl.core.files import read_json
from protomtl.metrics import main_figure, overall
from protomtl.seeds import generator
from tests.support.makers import make_workdir, patch_params
from tests.support.steps import run_all, run_method, run_steps

PARTS = {"sst": "only_sst", "para": "only_para", "sts": "only_sts"}
SPLITS = {"table1": "dev", "table2": "test"}


@pytest.fixture(scope="module")
def three_parts(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A finished run of `concat` and of each task alone; its tests only read it."""
    folder = make_workdir(tmp_path_factory.mktemp("single"), tiny_backbone)
    chosen = {"method": "concat", "seed": 1}
    patch_params(folder, {"methods": ["concat", *PARTS.values()], "embed": chosen, "export": chosen})
    patch_params(folder, {"compare": ["concat", "single_tasks"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_all()
    return folder


@pytest.fixture
def done(three_parts: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(three_parts)
    return three_parts


@pytest.mark.parametrize("task", PARTS)
def test_a_task_alone_has_one_head_one_figure_and_as_many_updates(done: Path, task: str) -> None:
    folder = done / f"results/finetune/{PARTS[task]}/seed1"
    assert {name.partition(".")[0] for name in load_file(folder / "heads.safetensors")} == {task}
    assert read_json(folder / "config.json")["steps"] == read_json("results/finetune/concat/seed1/config.json")["steps"]
    curve = pd.read_csv(f"results/curves/train/{PARTS[task]}/seed1/curve.csv")
    assert [name for name in curve if name.startswith("loss_")] == [f"loss_{task}"]
    figures = read_json(f"results/evaluate/{PARTS[task]}/seed1/metrics.json")["test"]
    assert task in figures and {name.partition("_")[0] for name in figures} == {task}


def test_a_task_alone_begins_with_the_rows_that_it_has_among_all(prepared: Path) -> None:
    """Without dropout in the encoder and at the same weights, the first loss is that of `concat`, also by shares."""
    config = Path("data/backbone/config.json")
    config.write_text(config.read_text().replace('_dropout_prob": 0.1', '_dropout_prob": 0.0'))
    patch_params(prepared, {"finetune": {"sampling": "proportional", "lr": 1e-9, "head_lr": 1e-9}})
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("protomtl.model.heads.DROPOUT", 0.0)
        for method in ("concat", "only_sst"):
            run_method(method, "pretrain", "finetune")
            found[method] = pd.read_csv(f"results/curves/train/{method}/seed1/curve.csv")["loss_sst"]
    assert found["only_sst"].to_numpy() == pytest.approx(found["concat"].to_numpy(), abs=1e-5)


@pytest.mark.parametrize("name", SPLITS)
def test_the_row_of_single_tasks_has_each_tasks_own_figures(done: Path, name: str) -> None:
    tasks, split = params.load().tasks, SPLITS[name]
    table = pd.read_csv(f"results/tables/{name}.csv").set_index("method")
    assert list(table.index) == ["concat", "single_tasks"]  # in the place of its parts
    row = table.loc["single_tasks"]
    main = {task: read_json(f"results/evaluate/{part}/seed1/metrics.json")[split][task] for task, part in PARTS.items()}
    for task, part in PARTS.items():
        stored = read_json(f"results/evaluate/{part}/seed1/metrics.json")[split]
        assert row[task] == pytest.approx(main[task], abs=6e-5)
        assert row[f"{task}_readout"] == pytest.approx(stored[f"{task}_readout"], abs=6e-5)
    assert row["overall"] == pytest.approx(overall(tasks, main), abs=6e-5)
    assert row["overall_rescaled"] == pytest.approx(overall(tasks, main, rescaled=True), abs=6e-5)
    assert row["steps"] == 3 * table.loc["concat", "steps"] and row["best_epoch"].count("/") == 2


def test_it_is_resampled_by_its_predictions(done: Path) -> None:
    """The difference from `concat`, on drawn rows one by one."""
    tasks, drawn = params.load().tasks, []
    for task, part in PARTS.items():
        tables = [pd.read_csv(f"results/evaluate/{method}/seed1/test/{task}.csv") for method in (part, "concat")]
        size = len(tables[0])
        rows = generator(comparisons.SEED, "examples", "test", task).integers(size, size=(2000, size))
        figures = [
            [main_figure(tasks[task], *table.to_numpy()[r].T) for r in rows[:300]]
            for table in (table[["gold", "prediction"]].astype(float) for table in tables)
        ]
        drawn.append(np.nan_to_num(figures))
    resampled = np.mean([single - concat for single, concat in drawn], axis=0)
    found = pd.read_csv("results/tables/comparisons.csv").query("split == 'test' and figure == 'overall'")
    row = found[(found["method"] == "single_tasks") & (found["reference"] == "concat")].iloc[0]
    back = found[(found["method"] == "concat") & (found["reference"] == "single_tasks")].iloc[0]
    assert row["difference"] == -back["difference"]
    assert (row["low"] + row["high"]) / 2 == pytest.approx(np.percentile(resampled, [2.5, 97.5]).mean(), abs=0.03)
    assert row["high"] - row["low"] == pytest.approx(np.ptp(np.percentile(resampled, [2.5, 97.5])), rel=0.2)


def test_pages_name_the_row_and_an_ensemble_weighs_a_run_by_its_own_task(done: Path) -> None:
    assert "Concat, each task alone" in (done / "results/report/comparisons.html").read_text()
    weights = pd.read_csv("results/ensemble/weights.csv").set_index(["method", "by"])
    assert (weights.loc["only_sst", ["para", "sts"]] == 0).all(axis=None)
    assert weights[list(PARTS)].sum().to_numpy() == pytest.approx([1, 1, 1], abs=1e-3)


def test_without_all_of_its_parts_there_is_no_such_row(done: Path, tmp_path: Path) -> None:
    from protomtl.core.runs import Run
    from protomtl.steps.tables import joined, step

    tasks, rows = params.load().tasks, params.load().joined
    some = step.read_evaluated([Run("concat", 1), Run("only_sst", 1)], tasks)
    assert joined.join(some, rows, tasks) is some
    table = step.build_tables(some, ["concat"], params.load().method, tasks, {"data": "", "backbone": ""}, 0.01)[
        "table2"
    ]
    row = table.set_index("method").loc["only_sst"]
    assert row["sst"] > 0 and row[["para", "overall", "overall_low"]].isna().all()


def test_parts_that_train_a_task_twice_are_refused(done: Path) -> None:
    from protomtl.core.runs import Run
    from protomtl.core.settings import Joined
    from protomtl.steps.tables import joined, step

    tasks = params.load().tasks
    runs = step.read_evaluated([Run(method, 1) for method in ("concat", "only_sst", "only_para")], tasks)
    twice = {"x": Joined(label="x", source="x", parts=["concat", "only_sst"])}
    with pytest.raises(SystemExit, match=r"joined\.x\.parts: sst is trained by concat and only_sst; one of them must"):
        joined.join(runs, twice, tasks)
    never = {"x": Joined(label="x", source="x", parts=["only_sst", "only_para"])}
    with pytest.raises(SystemExit, match=r"joined\.x\.parts: sts is trained by none of its parts"):
        joined.join(runs, never, tasks)


def test_a_model_of_one_task_can_be_exported(done: Path, tmp_path: Path) -> None:
    import protomtl
    from protomtl.steps.export.build import figures

    assert set(figures("only_sst", 1, {"sst": params.load().tasks["sst"]}, "test")) == {"sst"}
    run_method("only_sst")
    patch_params(done, {"export": {"method": "only_sst", "seed": 1}})
    run_steps("export")
    patch_params(done, {"export": {"method": "concat", "seed": 1}})
    model = protomtl.load("results/export")
    assert [*model.tasks] == ["sst"] and len(model.predict("sst", ["a good film"])) == 1
    run_steps("export")


def test_the_page_on_robustness_has_runs_of_one_task_too(done: Path) -> None:
    losses = pd.read_csv("results/report/robust.csv")
    assert (done / "results/report/robust.html").exists()
    assert "only_sst" not in set(losses[losses["task"] == "overall"]["method"])
    assert "only_sst" in set(losses[losses["task"] == "sst"]["method"])
