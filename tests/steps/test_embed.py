"""Figure 1 and the measures of the space, against the rows and vectors they come from."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestCentroid

from protomtl.core.files import read_json
from protomtl.model.encoder import Encoder, embed_table
from protomtl.model.sequences import TokenTable
from protomtl.params import load
from protomtl.steps.embed import probes, step
from tests.support.makers import make_workdir, patch_params
from tests.support.steps import UNTRAINED, run_method, run_steps


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A folder with two methods after pre-training, which one of them has not, and with Figure 1 of the other."""
    folder = make_workdir(tmp_path_factory.mktemp("pretrained"), tiny_backbone)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_steps(*UNTRAINED)
        for method in ("prototypical_sum", "baseline"):
            run_method(method, "pretrain")
        patch_params(folder, {"embed": {"method": "prototypical_sum", "samples": 10}})
        run_steps("embed")
    return folder


@pytest.fixture
def folder(pretrained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(pretrained)
    return pretrained / "results/embed"


def whole(encoder: Encoder, name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of all rows, two texts added, and labels, similarity rounded."""
    table = TokenTable.open(Path("data/tokens"), name, split)
    vectors = sum(part.numpy() for part in embed_table(encoder, table, False, np.arange(len(table))))
    return vectors, np.floor(np.array(table.labels) + 0.5).astype(int)  # no label is negative


def test_points_are_the_same_dev_examples_in_every_panel(folder: Path) -> None:
    points = pd.read_csv(folder / "figure1.csv")
    assert len(points) == 3 * 2 * 2 * 10
    for (name, _), panels in points.groupby(["task", "when"]):
        labels = np.load(f"data/tokens/{name}/dev/labels.npy")
        for _, panel in panels.groupby("projection"):
            assert panel["row"].is_monotonic_increasing and panel["row"].is_unique
            assert panel["class"].tolist() == [int(labels[row] + 0.5) for row in panel["row"]]
    assert points.groupby("task")["row"].agg(lambda rows: len(set(rows))).tolist() == [10, 10, 10]


def test_measures_are_those_of_the_encoder_before_and_after(folder: Path) -> None:
    params, points = load(), pd.read_csv(folder / "figure1.csv")
    table = pd.read_csv(folder / "space.csv").set_index(["task", "when"])
    source = {"before": "data/backbone", "after": "results/pretrain/prototypical_sum/seed1/encoder"}
    for when, place in source.items():
        encoder = Encoder(Path(place), params.backbone.pooling, params.compute)
        for name in params.tasks:
            train, dev = whole(encoder, name, "train"), whole(encoder, name, "dev")
            rows = points.query("task == @name and when == @when and projection == 'UMAP'")["row"]
            row = table.loc[name, when]
            assert row["silhouette"] == pytest.approx(silhouette_score(dev[0][rows], dev[1][rows]), abs=1e-4)
            assert row["nearest_prototype"] == round(NearestCentroid().fit(*train).score(*dev), 6)
            assert row["majority"] == round((dev[1] == np.bincount(train[1]).argmax()).mean(), 6)


def test_the_measures_are_the_same_in_every_format(folder: Path) -> None:
    table, nested = pd.read_csv(folder / "space.csv"), read_json(folder / "space.json")
    lines = (folder / "space.md").read_text().splitlines()
    assert list(nested) == sorted(set(table["task"])) and len(table) == 6
    for row in table.to_dict("records"):
        task, when, *_ = row.pop("task"), row.pop("when")
        assert nested[task][when] == row
        assert f"| {task} | {when} | " + " | ".join(f"{v:.3f}" for v in row.values()) + " |" in lines


def test_without_pre_training_before_is_after(
    pretrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shutil.copytree(pretrained, tmp_path / "p"))
    patch_params(Path(), {"embed": {"method": "baseline"}})
    run_steps("embed")
    table = pd.read_csv("results/embed/space.csv")
    before, after = (table[table["when"] == when].drop(columns="when") for when in ("before", "after"))
    assert before.to_dict("records") == after.to_dict("records")


def test_the_classifiers_get_no_more_rows_than_they_are_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def recorded(*parts: probes.Labelled | str) -> dict[str, float]:
        sizes.extend(part.shape[0] for part in (*parts[0], *parts[1]))
        return {}

    monkeypatch.setattr(probes, "accuracies", recorded)
    params = load()
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    settings = params.embed.model_copy(update={"probe_samples": 30})
    step.examine(encoder, "sst", params.tasks["sst"], settings, True, "euclidean")
    assert sizes == [30, 30, 24, 24]  # of 48 and 24 rows
