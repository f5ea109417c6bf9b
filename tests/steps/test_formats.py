"""Copies of an export that need no torch: ONNX gives the same answers, int8 nearly, static its own."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file, save_file

import protomtl
from protomtl import cli
from protomtl.backends.static import features
from protomtl.core.files import read_json
from protomtl.model.linear import lda, of_all_classes
from protomtl.model.prototypes import all_prototypes
from protomtl.steps.export import onnx, step, tensors
from protomtl.steps.export.static import class_means, text_vectors
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import class_indices
from tests.support import ROOT
from tests.support.hub import named, serving
from tests.support.makers import patch_params, unsealed
from tests.support.steps import run_method
from tests.support.trust import check_temperature, check_threshold

TEXTS = ["a good film", "the cat runs and the dog sits, and the man plays the piano", "!", "bad " * 40]
PAIRS = [("the cat runs", "the dog runs"), ("a man", "a man"), ("great story " * 20, "dull plot " * 20)]
ROWS = {"sst": TEXTS, "para": PAIRS, "sts": PAIRS}


@pytest.fixture(scope="module")
def exports(prepared_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """An export of `joint`, which encodes pairs together and apart, in each format."""
    folder = tmp_path_factory.mktemp("formats")
    shutil.copytree(prepared_once, folder, dirs_exist_ok=True)
    patch_params(folder, {"methods": ["joint"], "embed": {"method": "joint"}, "export": {"method": "joint"}})
    with pytest.MonkeyPatch.context() as patch:
        make_each_part_once(patch, folder / "parts")
        with chdir(folder):
            run_method("joint")
            for form in step.FORMATS:
                step.write("joint", 1, Path(form), form=form)
        yield {form: folder / form for form in step.FORMATS}


def make_each_part_once(patch: pytest.MonkeyPatch, parts: Path) -> None:
    """All exports here are of one run: what two formats begin with, and each graph, is the same, and takes long."""
    build, save = step.build, onnx.save

    def build_once(method: str, seed: int, target: Path, examples: int = 0) -> None:
        if not (parts / "export").exists():
            build(method, seed, parts / "export", examples)
        shutil.copytree(parts / "export", target)

    def save_once(module: Any, *given: Any) -> None:
        path: Path = given[-1]
        if not (kept := parts / path.parent.name / path.stem).exists():
            kept.mkdir(parents=True)
            save(module, *given[:-1], kept / path.name)
        shutil.copytree(kept, path.parent, dirs_exist_ok=True)

    patch.setattr(step, "build", build_once)
    patch.setattr(onnx, "save", save_once)


def test_onnx_gives_the_same_answers(exports: dict[str, Path]) -> None:
    whole, copy = protomtl.load(exports["torch"]), protomtl.load(exports["onnx"], backend="onnx")
    np.testing.assert_allclose(copy.encode(TEXTS), whole.encode(TEXTS), atol=1e-4)
    for task, rows in ROWS.items():
        ours, theirs = (np.stack([*model.stream_scores(task, rows)]) for model in (copy, whole))
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        np.testing.assert_allclose(copy.by_prototypes(task, rows), whole.by_prototypes(task, rows), atol=1e-4)
        np.testing.assert_allclose(copy.vectors(task, rows), whole.vectors(task, rows), atol=1e-4)
        assert np.array_equal(copy.prototypes(task), whole.prototypes(task), equal_nan=True)
    assert copy.predict("sst", TEXTS[0]) == whole.predict("sst", TEXTS[0])


def test_int8_is_near_and_smaller(exports: dict[str, Path]) -> None:
    whole, copy = protomtl.load(exports["torch"]), protomtl.load(exports["onnx-int8"])
    a, b = whole.encode(TEXTS), copy.encode(TEXTS)
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert cosines.min() > 0.95
    sizes = [(exports[form] / "onnx/model.onnx").stat().st_size for form in ("onnx", "onnx-int8")]
    assert sizes[1] < sizes[0]


def test_a_static_copy_is_the_mean_of_its_tokens(exports: dict[str, Path]) -> None:
    copy = protomtl.load(exports["static"], backend="static")
    one, two = copy.encode(["good", "film"])
    assert copy.encode("good film") == pytest.approx((one + two) / 2, abs=1e-5)
    assert not copy.encode([""]).any()
    for task, rows in ROWS.items():
        assert np.isfinite(np.stack([*copy.stream_scores(task, rows)])).all()
    with pytest.raises(ValueError, match="no prototypes with prior and scale"):
        copy.by_prototypes("sst", TEXTS)


def test_a_static_copy_has_the_vectors_and_heads_that_were_found(exports: dict[str, Path]) -> None:
    """Of each token by itself, with its special tokens around it: principal components keep distances and no place."""
    whole, copy = protomtl.load(exports["torch"]), protomtl.load(exports["static"])
    words = ["good", "bad", "film", "cat", "dog"]
    ids = [copy.network.tokens.encode(word, add_special_tokens=False).ids for word in words]
    assert [len(numbers) for numbers in ids] == [1] * len(words)
    weights = 1e-3 / (1e-3 + (share := 1 / (np.arange(len(copy.network.table)) + 2)) / share.sum())
    ours = copy.encode(words) / weights[np.ravel(ids)][:, None]
    theirs = whole.encode(words)
    apart = [np.linalg.norm(found[:, None] - found[None], axis=2) for found in (ours, theirs)]
    np.testing.assert_allclose(apart[0], apart[1], rtol=0.02, atol=0.02)  # of half precision
    sides = [copy.encode(PAIRS[0][k]) for k in (0, 1)]
    x = features([side[None] for side in sides])
    heads = load_file(exports["static"] / "static-heads.safetensors")
    assert copy.predict("sts", PAIRS[0]) == pytest.approx(
        float(np.clip((x @ heads["sts.weight"].T + heads["sts.bias"])[0, 0], 0, 5)), abs=1e-4
    )


def test_tensors_are_written_row_by_row(tmp_path: Path) -> None:
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    for laid in (rows, np.asfortranarray(rows), np.repeat(rows, 2, axis=1)[:, ::2], rows[::-1][::-1]):
        tensors.write(tmp_path / "found.safetensors", {"x": laid})
        np.testing.assert_array_equal(load_file(tmp_path / "found.safetensors")["x"], rows)


def test_sentence_transformers_reads_the_static_vectors(exports: dict[str, Path]) -> None:
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(exports["static"]), device="cpu").encode(TEXTS)
    np.testing.assert_allclose(theirs, protomtl.load(exports["static"]).encode(TEXTS), atol=1e-3)


@pytest.mark.parametrize("form", step.FORMATS)
def test_every_file_of_an_export_goes_to_the_hub_and_comes_from_it(
    exports: dict[str, Path], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {path.relative_to(exports[form]).as_posix(): path for path in exports[form].rglob("*") if path.is_file()}
    with serving() as hub:
        named(hub, monkeypatch, tmp_path / "cache")
        cli.run(["push", str(exports[form]), "org/model", "--yes"])
        assert {*hub.repositories["org/model"].files} - {".gitattributes"} == {*files}
        hub.repositories["org/model"].files["onnx/of_a_bot.onnx"] = b""
        model = protomtl.load("org/model", backend=form.removesuffix("-int8"))  # type: ignore[arg-type]
        np.testing.assert_array_equal(model.encode(TEXTS), protomtl.load(exports[form]).encode(TEXTS))
        rows = {path.relative_to(model.folder).as_posix() for path in model.folder.rglob("*") if path.is_file()}
        assert rows == {*files}  # not the graph of a bot


@pytest.mark.parametrize("form", step.FORMATS)
def test_the_command_line_predicts_with_each_format(
    exports: dict[str, Path], form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.txt").write_text("\n".join(TEXTS))
    cli.run(["predict", "--model", str(exports[form]), "--task", "sst", "--input", "rows.txt", "--output", "said.csv"])
    said = [row["prediction"] for row in csv.DictReader(Path("said.csv").read_text().splitlines())]
    assert said == protomtl.load(exports[form]).predict("sst", TEXTS).tolist()


@pytest.mark.parametrize("form", ["onnx", "onnx-int8", "static"])
def test_a_copy_needs_no_torch(exports: dict[str, Path], form: str, tmp_path: Path) -> None:
    """Neither from Python nor for commands. What needs more than an environment of a copy has says so in a line."""
    (tmp_path / "in.txt").write_text("a good film\n")
    (tmp_path / "labelled.csv").write_text("text,label\ngood,up\nbad,down\n")
    program = f"""
import sys
sys.modules.update(dict.fromkeys(["torch", "transformers", "sklearn", "scipy"]))
import protomtl
from protomtl.cli import main
model = protomtl.load({str(exports[form])!r})
print(model.predict("sst", ["a good film"]), model.similarity([("a man", "a man")]), model.encode("a").shape)
for words in ("predict --task sst", "encode", "classify --support labelled.csv"):
    sys.argv = ["protomtl", *words.split(), "--input", "in.txt", "--model", {str(exports[form])!r}]
    print(words)
    main()
"""
    env = {"PYTHONPATH": ":".join([str(ROOT / "src"), *sys.path])}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert re.fullmatch(r"protomtl classify needs \w+: pip install protomtl\n", done.stderr), done.stderr
    said = re.split(r"^(?:predict|encode|classify)\b.*\n", done.stdout, flags=re.M)
    assert done.returncode == 2 and [bool(part) for part in said] == [True, True, True, False], done.stdout


def test_nobody_is_told_that_a_copy_is_used(exports: dict[str, Path], tmp_path: Path) -> None:
    """onnxruntime tells its makers, and leaves a number of the user's in the cache, if nothing keeps it from that."""
    program = f"""
import os, protomtl
before = dict(os.environ)
protomtl.load({str(exports["onnx"])!r}).predict("sst", ["a good film"])
assert dict(os.environ) == before
"""
    env = {"PYTHONPATH": ":".join([str(ROOT / "src"), *sys.path]), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True)
    assert not list(tmp_path.rglob("*"))


def test_another_backend_than_the_folders_is_refused(exports: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"format onnx, which backend='torch' cannot run; `protomtl export METHOD"):
        protomtl.load(exports["onnx"], backend="torch")
    with pytest.raises(ValueError, match="format torch, which backend='static'"):
        protomtl.load(exports["torch"], backend="static")
    with pytest.raises(ValueError, match="computes on a CPU"):
        protomtl.load(exports["static"], device="cuda")
    later = unsealed(exports["static"], tmp_path / "later")
    (later / "protomtl.json").write_text(json.dumps(read_json(later / "protomtl.json") | {"format": "brain"}))
    with pytest.raises(ValueError, match="'brain' is of a later protomtl"):
        protomtl.load(later)


@pytest.mark.parametrize("name", ["onnx/model.onnx", "onnx/heads/sst.onnx", "tokenizer.json", "prototypes.safetensors"])
def test_a_damaged_copy_is_told(exports: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = unsealed(exports["onnx"], tmp_path / "copy")
    (folder / name).write_bytes((folder / name).read_bytes()[:10])
    with pytest.raises(ValueError, match=rf"{Path(name).name}: .*cannot (be )?read.*export the model again"):
        protomtl.load(folder)


@pytest.mark.parametrize("form", step.FORMATS)
def test_every_command_runs_every_format(exports: dict[str, Path], tmp_path: Path, form: str) -> None:
    """With a text of which a static copy knows no token: its vector is 0, and no cosine is NaN."""
    (tmp_path / "rows.csv").write_text("text,label\nA good film,1\n\u200b,2\nA bad plot,1\n", encoding="utf-8")
    (tmp_path / "in.txt").write_text("\u200b\na good film\n", encoding="utf-8")
    model, rows, given = str(exports[form]), str(tmp_path / "rows.csv"), str(tmp_path / "in.txt")
    out = tmp_path / "out.csv"
    for words in (
        ["predict", "--task", "sst", "--input", given],
        ["similar", "--among", rows, "--input", given],
        ["classify", "--support", rows, "--input", given],
    ):
        cli.run([*words, "--model", model, "--output", str(out)])
        assert "nan" not in out.read_text()
    cli.run(["encode", "--model", model, "--input", given, "--output", str(tmp_path / "out.npy")])
    assert np.load(tmp_path / "out.npy").shape == (2, protomtl.load(model).width)
    own = ["--data", rows, "--task", "sst", "--columns", "text", "--label", "label"]
    cli.run(["stress", model, *own, "--output", str(tmp_path / "page.html")])
    assert np.isfinite(protomtl.load(model).encode(["\u200b", "good"], normalize_embeddings=True)).all()


@pytest.mark.parametrize("form", step.FORMATS)
def test_no_byte_of_an_export_is_another_one(exports: dict[str, Path], tmp_path: Path, form: str) -> None:
    """A file that is flipped, cut, exchanged for one that fits, or away; the card and what is beside may change."""
    folder = Path(shutil.copytree(exports[form], tmp_path / "copy"))
    (folder / "README.md").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    answer = protomtl.load(folder).encode(TEXTS)
    files = [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("README.md", "notes.txt")
    ]
    for path in files:
        content = path.read_bytes()
        middle = len(content) // 2
        for other in (content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], content[:-2], None):
            path.unlink() if other is None else path.write_bytes(other)
            with pytest.raises((ValueError, FileNotFoundError), match=path.name) as caught:
                protomtl.load(folder)
            assert "\n" not in str(caught.value).strip()
        path.write_bytes(content)
    np.testing.assert_array_equal(protomtl.load(folder).encode(TEXTS), answer)


@pytest.mark.parametrize("content", ["[]", "null", "5", "{}", '{"tasks": [], "files": []}', '{"files": {"a": 1}}'])
def test_what_is_no_record_is_one_line(exports: dict[str, Path], tmp_path: Path, content: str) -> None:
    folder = Path(shutil.copytree(exports["static"], tmp_path / "copy"))
    (folder / "protomtl.json").write_text(content)
    with pytest.raises(ValueError, match=r"this is no record of an export|is missing") as caught:
        protomtl.load(folder)
    assert "\n" not in str(caught.value)


def test_graphs_and_heads_of_another_model_are_refused(exports: dict[str, Path], tmp_path: Path) -> None:
    folder = unsealed(exports["onnx"], tmp_path / "onnx")
    shutil.copyfile(folder / "onnx/heads/para.onnx", folder / "onnx/heads/sst.onnx")
    with pytest.raises(ValueError, match=r"sst\.onnx: is not of the model beside it"):
        protomtl.load(folder)
    static = unsealed(exports["static"], tmp_path / "static")
    heads = load_file(static / "static-heads.safetensors")
    for changed in ({**heads, "sst.weight": heads["sst.weight"][:4]}, {"sst.bias": heads["sst.bias"]}, {}):
        save_file(changed, static / "static-heads.safetensors")
        with pytest.raises(ValueError, match=r"static-heads\.safetensors: is not of the model beside it"):
            protomtl.load(static)


@pytest.mark.parametrize("form", ["onnx", "onnx-int8", "static"])
def test_temperatures_and_thresholds_are_of_the_copys_own_answers(exports: dict[str, Path], form: str) -> None:
    copy = protomtl.load(exports[form])
    for task in copy.tasks:
        if task != "sts":
            check_temperature(copy, exports[form], task)
        check_threshold(copy, exports[form], task)
        assert copy.trust[task].novelty.auroc is not None  # type: ignore[union-attr]


def test_thresholds_of_the_same_answers_are_the_models(exports: dict[str, Path]) -> None:
    """Of the same rows of its own and of others: those that the model has drawn."""
    whole, copy = protomtl.load(exports["torch"]), protomtl.load(exports["onnx"])
    for task in ROWS:
        ours, theirs = copy.trust[task].novelty, whole.trust[task].novelty
        assert ours is not None and theirs is not None and ours.score == theirs.score
        assert (ours.threshold, ours.auroc) == pytest.approx((theirs.threshold, theirs.auroc), abs=1e-3)


def test_a_static_copy_says_what_it_has_not(exports: dict[str, Path]) -> None:
    copy = protomtl.load(exports["static"])
    with pytest.raises(ValueError, match=r"map\.safetensors: is not there; an export of format torch or onnx has one"):
        copy.map("sst")
    with pytest.raises(ValueError, match="export it with `--examples 1000`, as format torch or onnx: static has none"):
        copy.explain("sst", "a film")
    with pytest.raises(ValueError, match="export it again, as format torch or onnx: static has none"):
        copy.by_prototypes("sst", "a film")
    with pytest.raises(ValueError, match=r"^protomtl\.load: threads: 0: Input should be greater than or equal to 1$"):
        protomtl.load(exports["static"], threads=0)
    with pytest.raises(ValueError, match=r"backend='tensorrt': must be one of auto, torch, onnx, static"):
        protomtl.load(exports["static"], backend="tensorrt")  # type: ignore[arg-type]


def test_the_card_has_what_a_hub_shows_and_figures_of_its_own(exports: dict[str, Path]) -> None:
    for form, folder in exports.items():
        front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
        assert {"license", "pipeline_tag", "library_name", "metrics", "tags"} <= {*front}
        results = {r["task"]["name"]: r["metrics"][0] for r in front["model-index"][0]["results"]}
        record = read_json(folder / "protomtl.json")
        assert {n: m["value"] for n, m in results.items()} == {n: record["figures"]["test"][n][0] for n in ROWS}
        assert results["sts"]["type"] == "pearsonr"
        assert all(path.stat().st_mode & 0o444 == 0o444 for path in folder.rglob("*") if path.is_file())
        if form == "onnx":
            for split in ("dev", "test"):
                assert record["figures"][split]["sst"] == pytest.approx(record["full_figures"][split]["sst"], abs=0.02)


@pytest.mark.parametrize("older", ["torch", "onnx", "static"])
@pytest.mark.parametrize("form", ["torch", "static"])
def test_an_export_of_another_format_takes_the_place_of_the_older_one(
    exports: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: str, form: str
) -> None:
    """What the user has put beside its files stays, in its folders too."""
    monkeypatch.chdir(exports["torch"].parent)
    folder = Path(shutil.copytree(exports[older], tmp_path / "model"))
    mine = {path.with_name("notes.txt") for path in folder.rglob("*") if path.is_file()}
    for path in mine:
        path.write_text("mine")
    step.write("joint", 1, folder, form=form)
    assert all(path.read_text() == "mine" for path in mine)
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path not in mine}
    assert files == {path.relative_to(exports[form]) for path in exports[form].rglob("*") if path.is_file()}
    protomtl.load(folder, backend=form)  # type: ignore[arg-type]


def test_an_export_over_one_of_other_tasks_loads(
    exports: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graphs of a task that is no more go; else they would be of another export than the rest."""
    monkeypatch.chdir(exports["torch"].parent)
    shutil.copytree(exports["onnx"], tmp_path / "model")
    for part in ("heads", "readouts"):
        shutil.copy(tmp_path / f"model/onnx/{part}/sst.onnx", tmp_path / f"model/onnx/{part}/gone.onnx")
    step.write("joint", 1, tmp_path / "model", form="onnx")
    assert not [*tmp_path.rglob("gone.onnx")]
    protomtl.load(tmp_path / "model")


def test_text_vectors_are_means_by_hand() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [4.0, 4.0]], np.float32)
    tokens, offsets = np.array([0, 2, 1]), np.array([0, 2, 2, 3])
    assert text_vectors(vectors, tokens, offsets).tolist() == [[2.5, 2.0], [0.0, 0.0], [0.0, 1.0]]


KINDS: dict[str, dict[str, Any]] = {
    "classification": {"classes": 4},
    "binary": {},
    "regression": {"range": [-1, 2]},
    "multilabel": {"classes": ["a", "b", "c"]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_static_copy_has_the_prototypes_that_the_network_has(kind: str) -> None:
    files = {"train": "a", "dev": "b", "test": "c"}
    task = Task.model_validate({"kind": kind, "texts": ["t"], "label": "l", "files": files, **KINDS[kind]})
    random = np.random.default_rng(2)
    vectors, labels = random.normal(size=(40, 3)), random.integers(0, 2, 40).astype(np.float32)
    wanted = all_prototypes(torch.tensor(vectors), class_indices(task, torch.tensor(labels)), task.number_of_classes)
    np.testing.assert_allclose(class_means(task, vectors, labels), wanted.numpy(), atol=1e-6)


def test_a_class_without_a_row_is_never_said() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 3))
    y = np.where(x[:, 0] > 0, 3, 1)
    weight, bias = of_all_classes(lda(x, y), y, 4)
    assert {*(x @ weight.T + bias).argmax(1)} == {1, 3}
    assert ((x @ weight.T + bias).argmax(1) == y).mean() > 0.9
