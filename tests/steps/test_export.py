"""A trained model leaves the pipeline: each loader gives the same vectors, and heads and prototypes come along."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML
from safetensors.torch import load_file, save_file

import protomtl
from protomtl.core.files import digest_folder, read_json
from protomtl.core.users_files import BadPath
from protomtl.model.checkpoint import trained_model
from protomtl.steps.export import step
from tests.support.makers import make_workdir, patch_params, unsealed
from tests.support.steps import UNTRAINED, run_method, run_steps

TEXTS = ["a good film", "the cat runs and the dog sits, and the man plays the piano", "!", "bad " * 40]
PAIRS = [("the cat runs", "the dog runs"), ("a man", "a man"), ("great story " * 20, "dull plot " * 20)]
METHODS = ["cosine", "joint", "baseline"]  # pairs apart, pairs together and apart, a frozen encoder
# How files are put in their places has nothing to do with how an encoder is pooled, and mostly none with the method.
one_pooling = pytest.mark.parametrize("project", ["mean"], indirect=True)
one_method = pytest.mark.parametrize("exported", ["cosine"], indirect=True)


@pytest.fixture(scope="module", params=["mean", "cls", "pooler"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Path) -> Path:
    """A folder in which three methods were trained, for each pooling."""
    folder = make_workdir(tmp_path_factory.mktemp("export"), tiny_backbone)
    chosen = {"embed": {"method": "cosine"}, "export": {"method": "cosine"}}
    patch_params(folder, {"methods": METHODS, "backbone": {"pooling": request.param}, **chosen})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_steps(*UNTRAINED)
        for method in METHODS:
            run_method(method)
    return folder


@pytest.fixture(params=METHODS)
def exported(request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """(method, its exported folder), in the project."""
    monkeypatch.chdir(project)
    if not Path("taken", request.param).exists():
        step.write(request.param, 1, Path("taken", request.param))
    return request.param, project / "taken" / request.param


def by_hand(folder: Path, texts: list[str], pooling: str) -> np.ndarray:
    """The vectors as transformers' own model gives them."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    batch = tokenizer(texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
    with torch.no_grad():
        output = model(**batch)
    if pooling == "pooler":
        return np.asarray(output.pooler_output.numpy())
    if pooling == "cls":
        return np.asarray(output.last_hidden_state[:, 0].numpy())
    mask = batch["attention_mask"][..., None]
    return np.asarray(((output.last_hidden_state * mask).sum(1) / mask.sum(1)).numpy())


def test_three_loaders_give_the_same_vectors(exported: tuple[str, Path]) -> None:
    from sentence_transformers import SentenceTransformer

    folder = exported[1]
    pooling = read_json(folder / "protomtl.json")["backbone"]["pooling"]
    ours = protomtl.load(folder).encode(TEXTS)
    assert ours.shape == (4, 32) and ours.dtype == np.float32
    np.testing.assert_allclose(ours, by_hand(folder, TEXTS, pooling), atol=1e-5)
    np.testing.assert_allclose(ours, SentenceTransformer(str(folder), device="cpu").encode(TEXTS), atol=1e-5)
    # What sentence-transformers 3 knows: it hands the file to its Pooling as arguments.
    known = {"word_embedding_dimension", "pooling_mode_cls_token", "pooling_mode_mean_tokens"}
    assert read_json(folder / "1_Pooling/config.json").keys() == known


def test_predictions_are_those_of_the_evaluation(exported: tuple[str, Path]) -> None:
    """The texts of dev again, as plain strings."""
    import pandas as pd
    import pyarrow.parquet as pq

    method, folder = exported
    model = protomtl.load(folder)
    for name, task in model.tasks.items():
        rows = pq.read_table(f"data/prepared/{name}/dev.parquet")
        texts = [rows.column(f"text_{side}").to_pylist() for side in ("a", "b")[: len(task.texts)]]
        rows = texts[0] if len(texts) == 1 else [*zip(*texts, strict=True)]
        classes = task.what.has_classes
        streamed = np.stack([*model.stream_scores(name, rows)])
        scores = model.predict_proba(name, rows, calibrated=False) if classes else streamed
        stored = pd.read_csv(f"results/evaluate/{method}/seed1/dev/{name}.csv")
        columns = ["prediction"] if task.kind == "regression" else [c for c in stored if c.startswith("score_")]
        np.testing.assert_allclose(scores, stored[columns], atol=1e-4)
        if classes:
            np.testing.assert_allclose(streamed, model.predict_proba(name, rows), atol=1e-6)


def test_each_task_by_its_name(exported: tuple[str, Path]) -> None:
    model = protomtl.load(exported[1])
    assert model.sentiment(TEXTS).shape == (4, 5) and model.sentiment(TEXTS).sum(1) == pytest.approx(1)
    assert (
        model.paraphrase(PAIRS).shape == (3,) and ((model.paraphrase(PAIRS) > 0) & (model.paraphrase(PAIRS) < 1)).all()
    )
    assert ((model.similarity(PAIRS) >= 0) & (model.similarity(PAIRS) <= 5)).all()
    assert (
        model.encode([]).shape == (0, 32) and model.sentiment([]).shape == (0, 5) and model.similarity([]).shape == (0,)
    )


def test_prototypes_are_the_means_of_training_rows(exported: tuple[str, Path]) -> None:
    from protomtl.model.sequences import TokenTable
    from protomtl.tasks.tensors import class_indices

    method, folder = exported
    source = Path(f"results/finetune/{method}/seed1")
    trained, tasks = trained_model(source, source / "encoder", read_json(source / "config.json"))
    model = protomtl.load(folder)
    for name, task in tasks.items():
        table = TokenTable.open(Path("data/tokens"), name, "train")  # fewer rows than prototypes may be made of
        vectors = sum(part.numpy() for part in trained.embed(table, np.arange(len(table))))
        classes = class_indices(task, torch.from_numpy(np.array(table.labels))).numpy()
        means = np.full((task.number_of_classes, 32), np.nan)  # of 0, 1, .. 5 some do not occur
        for k in np.unique(classes):
            means[k] = vectors[classes == k].mean(0)
        np.testing.assert_allclose(model.prototypes(name), means, atol=1e-5)
    with pytest.raises(ValueError, match=r"no prototypes of 'nosuch'; it has para, sst, sts"):
        model.prototypes("nosuch")


def test_prototypes_with_prior_and_scale_say_what_evaluate_says(exported: tuple[str, Path]) -> None:
    method, folder = exported
    model = protomtl.load(folder)
    for name, task in model.tasks.items():
        table = pd.read_parquet(f"data/prepared/{name}/test.parquet")
        texts = [table["text_a"], table["text_b"]][: len(task.texts)]
        rows = [*zip(*texts, strict=True)] if task.pair else [*texts[0]]
        found = model.by_prototypes(name, rows)
        stored = pd.read_csv(f"results/evaluate/{method}/seed1/test/{name}.csv")["readout"]
        said = found.argmax(1) if task.what.has_classes else found[:, 0]
        np.testing.assert_allclose(said, stored, atol=1e-4)
    del model.network.readouts["sst"]
    with pytest.raises(ValueError, match="no prototypes with prior and scale of 'sst'; export it again"):
        model.by_prototypes("sst", ["a film"])


def test_the_map_has_dev_rows_by_their_vectors_and_then_the_prototypes(exported: tuple[str, Path]) -> None:
    import pandas as pd

    model = protomtl.load(exported[1])
    for name, task in model.tasks.items():
        vectors, classes, places = model.map(name)
        assert places.shape == (len(vectors), 2) and np.isfinite(places).all()
        prototypes = model.prototypes(name)
        seen = np.flatnonzero(np.isfinite(prototypes[:, 0]))
        np.testing.assert_array_equal(vectors[-len(seen) :], prototypes[seen])
        np.testing.assert_array_equal(classes[-len(seen) :], seen)
        vectors, classes = vectors[: -len(seen)], classes[: -len(seen)]
        dev = pd.read_parquet(f"data/prepared/{name}/dev.parquet")
        columns = ["text_a", "text_b"][: len(task.texts)]
        rows = [tuple(row) if len(row) > 1 else row[0] for row in dev[columns].itertuples(index=False)]
        assert len(vectors) == len(dev)  # few enough to be all of them, in random order
        found = model.vectors(name, rows)
        order = np.lexsort(found.T[::-1].round(3)), np.lexsort(vectors.T[::-1].round(3))
        np.testing.assert_allclose(found[order[0]], vectors[order[1]], atol=1e-4)
        expected = np.bincount(np.floor(dev["label"].astype(float) + 0.5).astype(int), minlength=6)
        np.testing.assert_array_equal(np.bincount(classes, minlength=6), expected)


def test_a_stream_is_read_as_it_comes(exported: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protomtl.inference.model.BLOCK", 2)
    model, read = protomtl.load(exported[1]), []
    stream = model.stream(read.append(text) or text for text in TEXTS)  # type: ignore[func-returns-value]
    first = next(stream)
    assert read == TEXTS[:2]
    np.testing.assert_allclose([first, *stream], model.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [(["a", 3], "row 1: a text is needed, not 3"), ([("a", "b")], "row 0: a text")],
)
def test_what_is_no_text_is_an_error(rows: list[str], message: str, exported: tuple[str, Path]) -> None:
    model = protomtl.load(exported[1])
    with pytest.raises(TypeError, match=message):
        model.encode(rows)
    with pytest.raises(TypeError, match="row 0: a pair of texts is needed, not 'a'"):
        model.similarity(["a"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no task 'nosuch'; it has"):
        model.predict("nosuch", ["a"])


def test_the_card_says_what_it_is(exported: tuple[str, Path]) -> None:
    method, folder = exported
    text = (folder / "README.md").read_text()
    front = YAML(typ="safe").load(text.split("---")[1])
    assert front["library_name"] == "sentence-transformers"
    for part in (
        f"# protomtl: {method}, seed 1",
        "## Training data",
        "## Intended use",
        "## How to cite",
        "@techreport{",
        "95 %",
    ):
        assert part in text
    figures = read_json(f"results/evaluate/{method}/seed1/metrics.json")["test"]
    figure, low, high = read_json(folder / "protomtl.json")["figures"]["test"]["sst"]
    assert figure == figures["sst"] and low <= figure <= high
    assert f"{figure:.3f} ({low:.3f} to {high:.3f})" in text


@one_pooling
def test_the_same_bytes_again_and_an_older_export_is_replaced(exported: tuple[str, Path], tmp_path: Path) -> None:
    method, folder = exported
    step.write(method, 1, tmp_path / "again")
    assert digest_folder(tmp_path / "again") == digest_folder(folder)
    (tmp_path / "again/heads.safetensors").write_bytes(b"old")
    (tmp_path / "again/model-00002-of-00002.safetensors").write_bytes(b"a part of an older, larger model")
    step.write(method, 1, tmp_path / "again")
    assert digest_folder(tmp_path / "again") == digest_folder(folder)


@one_pooling
@one_method
def test_an_export_over_an_older_one_keeps_what_the_user_added(
    exported: tuple[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    method, folder = exported
    (tmp_path / "link").symlink_to(tmp_path / "real")
    step.write(method, 1, tmp_path / "link")
    assert not capsys.readouterr().err
    added = {"notes.txt": "mine", ".git/HEAD": "ref", "1_Pooling/why.md": "so", "my.safetensors": "w"}
    for name, text in added.items():
        (tmp_path / "real" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "real" / name).write_text(text)
    step.write(method, 1, tmp_path / "link")
    assert {name: (tmp_path / "real" / name).read_text() for name in added} == added
    assert digest_folder(folder).items() <= digest_folder(tmp_path / "real").items()
    assert (tmp_path / "link").is_symlink() and sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]
    assert "the older one is replaced; what else is in the folder stays" in capsys.readouterr().err


@one_pooling
@one_method
def test_nothing_of_the_user_is_lost(exported: tuple[str, Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadPath, match="is there already and holds no export"):
        step.write(exported[0], 1, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    with pytest.raises(SystemExit, match=r"results/finetune/concat/seed1: there is no such run"):
        step.write("concat", 1, tmp_path / "new")
    means = Path(f"results/evaluate/{exported[0]}/seed1/prototypes.safetensors")
    means.rename(tmp_path / "means")
    with pytest.raises(SystemExit, match=rf"results/evaluate/{exported[0]}/seed1: there is no such run"):
        step.write(exported[0], 1, tmp_path / "new")
    (tmp_path / "means").rename(means)
    with pytest.raises(FileNotFoundError, match=r"no protomtl\.json there; `protomtl export METHOD --to"):
        protomtl.load(tmp_path)


@one_pooling
def test_other_users_can_read_what_the_umask_lets_them(exported: tuple[str, Path], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        step.write(exported[0], 1, tmp_path / "open")
    finally:
        os.umask(before)
    for root in (tmp_path / "open", Path("results/finetune", exported[0])):
        for path in root.rglob("*.safetensors"):
            assert path.stat().st_mode & 0o044, path


DAMAGES = {
    "model.safetensors": r"transformers cannot load this encoder|do not fit config\.json",
    "heads.safetensors": "cannot be read as safetensors",
    "prototypes.safetensors": "cannot be read as safetensors",
    "readout.safetensors": "cannot be read as the readout of",
    "tokenizer.json": "cannot load this tokenizer",
    "config.json": "cannot load this",
    "protomtl.json": "",
}


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.6, 0.98])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_cut_file_loads_no_model(name: str, kept: float, model: Path, tmp_path: Path) -> None:
    copy = unsealed(model, tmp_path / "copy")
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ValueError, match=DAMAGES[name]) as caught:
        protomtl.load(copy)
    assert "\n" not in str(caught.value).strip()


def test_parts_of_other_models_are_refused(model: Path, tmp_path: Path) -> None:
    copy = unsealed(model, tmp_path / "copy")
    prototypes = load_file(copy / "prototypes.safetensors")
    save_file({**prototypes, "sst": prototypes["sst"][:4]}, copy / "prototypes.safetensors")
    with pytest.raises(ValueError, match=r"prototypes\.safetensors: is not of the model beside it"):
        protomtl.load(copy)
    save_file(prototypes, copy / "prototypes.safetensors")
    vocabulary = json.loads((copy / "tokenizer.json").read_text())
    vocabulary["model"]["vocab"] |= {f"new{k}": 900 + k for k in range(99)}
    (copy / "tokenizer.json").write_text(json.dumps(vocabulary))
    with pytest.raises(ValueError, match="its tokenizer does not fit its encoder, which knows 81 words: 'new98'"):
        protomtl.load(copy)
