"""A model by its name on the hub: the same answers, safe by what is fetched, whole or one line that says why."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import protomtl
from protomtl.backends.whole import sealed
from protomtl.core.files import read_json
from protomtl.inference import hub as names
from protomtl.inference.loading import exported
from protomtl.sources.hub_errors import HubError
from tests.support import ROOT
from tests.support.hub import named, serving
from tests.support.hub_content import READER, Fault, Hub
from tests.support.hub_faults import answering, changed, cut, dead, saying, whole

OLD = ROOT / "tests/support/export_0_1"
NAME, TEXTS = "org/model", ["a good film", "the dog sits"]
CODE = {
    "pytorch_model.bin": b"\x80\x04cos\nsystem\n",
    "modeling_evil.py": b"raise SystemExit('run')",
    "model.pt": b"\x80\x04.",
    "onnx/model.onnx": b"of a bot",
    "1_Pooling/evil.py": b"",
    "heads/../x.json": b"{}",
}


def files(folder: Path = OLD) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The hub of this process, with nothing in the cache; waiting takes no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with serving() as found:
        named(found, monkeypatch, tmp_path / "cache")
        found.holding(NAME, files() | CODE)
        yield found


def refused(name: str = NAME, revision: str | None = None) -> str:
    with pytest.raises(HubError) as caught:
        exported(name, revision)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def cached(tmp_path: Path) -> set[str]:
    """The names in the snapshots of the cache."""
    folders = (tmp_path / "cache").glob("models--*/snapshots/*")
    return {p.relative_to(f).as_posix() for f in folders for p in f.rglob("*") if not p.is_dir()}


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Our lines on standard error; the others are bars."""
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("org/")]


def test_it_says_what_the_folder_says_and_fetches_no_code(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, commit = protomtl.load(NAME), hub.repositories[NAME].refs["main"]
    np.testing.assert_array_equal(model.encode(TEXTS), protomtl.load(OLD).encode(TEXTS))
    assert model.origin == f"{NAME}@{commit}" and model.folder.name == commit
    assert cached(tmp_path) == {*files()} - {"said.json"}
    first, left_out = told(capsys)
    assert first.startswith(f"{NAME}: commit {commit}, 13 files, 0.1 MB; ")
    for name in ("said.json", *CODE):
        assert name in left_out
        assert not any(name in request for request in hub.asked)


def test_what_the_record_does_not_name_is_of_another_export(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.dumps(sealed(OLD, read_json(OLD / "protomtl.json"))).encode()
    hub.repositories[NAME].commit(files() | {"protomtl.json": record, "examples.json": b"{}"})
    folder, _ = exported(NAME)
    assert not (folder / "examples.json").exists() and "examples.json" in told(capsys)[1]


def test_a_second_time_nothing_is_fetched_or_said(hub: Hub, capsys: pytest.CaptureFixture[str]) -> None:
    first = exported(NAME)
    hub.asked.clear()
    told(capsys)
    assert exported(NAME) == first
    about = [request for request in hub.asked if NAME in request]
    assert about == [f"GET /api/models/{NAME}/revision/main"] and not told(capsys)


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub: Hub) -> None:
    repository = hub.repositories[NAME]
    old = repository.refs["main"]
    record = files()["protomtl.json"].replace(b'"seed": 1', b'"seed": 7')
    new = repository.commit(files() | {"protomtl.json": record})
    repository.refs["v1"] = old
    for revision, seed, commit in ((None, 7, new), ("v1", 1, old), (old, 1, old), ("main", 7, new)):
        folder, origin = exported(NAME, revision)
        assert read_json(folder / "protomtl.json")["seed"] == seed and origin == f"{NAME}@{commit}"
        if revision:
            assert exported(f"{NAME}@{revision}") == (folder, origin)
    assert protomtl.load(NAME, revision="v1").record == read_json(OLD / "protomtl.json")
    assert "there is no such revision" in refused(revision="v2")
    assert "there is no such revision" in refused(revision="0" * 40)


def test_a_folder_wins_over_a_name(hub: Hub, tmp_path: Path) -> None:
    for place in (NAME, "results/export"):
        with pytest.raises(FileNotFoundError, match=f"^{place}: no protomtl.json there; "):
            (tmp_path / place).parent.mkdir(exist_ok=True)  # a mistyped folder asks nobody
            protomtl.load(place)
    assert not hub.asked
    assert exported(NAME, "main")[1].startswith(f"{NAME}@")
    hub.asked.clear()
    (tmp_path / NAME).symlink_to(OLD)
    assert protomtl.load(NAME).origin == NAME and not hub.asked
    for model in (NAME, Path("org/other"), "./org/other", "one"):
        with pytest.raises(ValueError, match="it has no revision"):
            protomtl.load(model, revision="main")
    with pytest.raises(ValueError, match="names another revision than"):
        protomtl.load("org/other@v1", revision="v2")


@pytest.mark.parametrize(
    ("model", "there"),
    [
        ("org/model", ("org/model", "main")),
        ("Org-1/my_model.v2@refs/pr/1", ("Org-1/my_model.v2", "refs/pr/1")),
        ("results/export", None),
        ("org/model/more", None),
        ("../model", None),
        ("./model", None),
        ("~/model", None),
        ("model", None),
        ("/model/x", None),
        ("örg/model", None),
    ],
)
def test_what_is_a_name_of_the_hub(
    model: str, there: tuple[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert names.place(model, None) == there


def test_without_a_network_the_cache_is_enough(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    folder, origin = exported(NAME)
    for offline, act in ((True, dead), (False, dead), (False, answering(503))):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        hub.faults = [Fault("", act, 99)]
        told(capsys)
        assert exported(NAME) == (folder, origin)
        (said,) = told(capsys)
        assert said.startswith(f"{NAME}: commit {folder.name} as the cache has it; the hub was not reached: ")
        assert "the hub was not reached" in refused("org/other")
    assert protomtl.load(NAME).origin == origin


def test_the_lines_are_off_where_the_librarys_are(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

    disable_progress_bars()
    try:
        exported(NAME)
    finally:
        enable_progress_bars()
    assert not told(capsys)


Prepare = Callable[[Hub, pytest.MonkeyPatch], None]
REFUSED: dict[str, tuple[Prepare, str]] = {
    "no such repository": (lambda hub, _: hub.repositories.clear(), "no such model at http"),
    "private": (lambda hub, patch: private(hub, patch, READER), "no such model at http"),
    "private, no login": (lambda hub, patch: private(hub, patch, None), "log in by `hf auth login`"),
    "gated": (lambda hub, patch: gated(hub, patch), "its owner lets people in one by one; ask at its page"),
    "another token": (
        lambda hub, patch: patch.setenv("HF_TOKEN", "hf_x"),
        "the hub does not know your token; `hf auth",
    ),
    "busy": (lambda hub, _: fault(hub, "api/models", answering(503), 9), "the hub was not reached: http.* answers 503"),
    "too many": (
        lambda hub, _: fault(hub, "api/models", answering(429), 9),
        "the hub was not reached: http.* answers 429",
    ),
    "no hub": (lambda hub, _: fault(hub, "", dead, 99), "the hub was not reached: Server disconnected.* \\(http"),
    "another server": (
        lambda hub, _: fault(hub, "", answering(200), 99),
        "http.* does not answer as a hub does, but as",
    ),
    "no export": (lambda hub, _: hub.repositories[NAME].files.pop("protomtl.json"), "it has no protomtl.json"),
    "no record": (lambda hub, _: put(hub, b"[]"), "its protomtl.json is no record of an export"),
    "no JSON": (lambda hub, _: put(hub, b"{"), "its protomtl.json is no record of an export"),
}


def private(hub: Hub, patch: pytest.MonkeyPatch, token: str | None) -> None:
    hub.repositories[NAME].private = True
    patch.setenv("HF_TOKEN", token) if token else patch.delenv("HF_TOKEN")


def gated(hub: Hub, patch: pytest.MonkeyPatch) -> None:
    hub.repositories[NAME].gated = True
    patch.setenv("HF_TOKEN", READER)


def fault(hub: Hub, pattern: str, act: Any, times: int) -> None:
    hub.faults.append(Fault(pattern, act, times))


def put(hub: Hub, record: bytes) -> None:
    hub.repositories[NAME].files["protomtl.json"] = record


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_hub_does_not_give_is_one_line(case: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare, words = REFUSED[case]
    prepare(hub, monkeypatch)
    said = refused()
    assert said.startswith(f"{NAME}: ") and re.search(words, said), said


@pytest.mark.parametrize("name", ["org--x/model", "org/a..b", "org/model.git"])
def test_a_name_that_no_hub_takes_is_one_line(name: str, hub: Hub) -> None:
    assert name in refused(name) and not hub.asked


@pytest.mark.parametrize("number", [429, 503])
@pytest.mark.parametrize("asked", ["GET /api/models", "HEAD /org", "GET /api/models/org/model/tree"])
def test_a_hub_that_is_busy_once_is_asked_again(number: int, asked: str, hub: Hub, tmp_path: Path) -> None:
    hub.faults = [Fault(asked, answering(number))]
    exported(NAME)
    assert not hub.faults[0].times and cached(tmp_path) == {*files()} - {"said.json"}


def test_a_file_that_is_cut_off_is_gone_on_with(hub: Hub) -> None:
    hub.faults = [Fault("GET /cdn/model.safetensors", cut)]
    folder, _ = exported(NAME)
    assert not hub.faults[0].times
    assert (folder / "model.safetensors").read_bytes() == files()["model.safetensors"]


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "protomtl.json"])
def test_a_file_of_another_content_is_named_and_not_kept(name: str, hub: Hub, tmp_path: Path) -> None:
    pattern, first = f"GET /(cdn|{NAME}/resolve/[^/]+)/{name}", name == "protomtl.json"
    hub.faults = [Fault(pattern, whole), Fault(pattern, changed)] if first else [Fault(pattern, changed)]
    assert f"what came is not what the hub has: {name}; it is gone" in refused()
    assert not {name, "protomtl.json"} & cached(tmp_path)
    folder, _ = exported(NAME)
    assert (folder / name).read_bytes() == files()[name]


@pytest.mark.parametrize("listing", [b"[]", b"{}"])
def test_a_hub_that_lists_no_files_leaves_nothing_that_counts(listing: bytes, hub: Hub) -> None:
    """The cache keeps such a list, by which no later call would fetch anything; and nothing is checked by it."""
    fault(hub, "/tree/", saying(listing), 99)
    assert "what came is not what the hub has" in refused()
    hub.faults.clear()
    assert protomtl.load(NAME).predict("sst", TEXTS).tolist() == protomtl.load(OLD).predict("sst", TEXTS).tolist()


def test_a_download_that_ends_early_leaves_nothing_that_counts(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where a model would load without the file, and say something else."""
    from huggingface_hub import constants

    hub.faults = [Fault("/vocab.txt", answering(500), 99)]
    assert re.search("http.* answers 500", refused())
    assert "protomtl.json" not in cached(tmp_path) and "model.safetensors" in cached(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set" in refused()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    hub.faults.clear()
    exported(NAME)
    assert cached(tmp_path) == {*files()} - {"said.json"}


def test_another_backend_is_refused_before_the_weights_come(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^{NAME}: is an export of format torch, which backend='onnx' cannot run"):
        protomtl.load(NAME, backend="onnx")
    assert not any("cdn" in request for request in hub.asked) and not cached(tmp_path)


def test_what_is_damaged_on_the_hub_loads_no_model(hub: Hub) -> None:
    hub.repositories[NAME].files["model.safetensors"] = files()["model.safetensors"][:-9]
    with pytest.raises(ValueError, match=r"transformers cannot load this encoder|do not fit"):
        protomtl.load(NAME)


def test_a_pipeline_of_scikit_learn_takes_a_name(hub: Hub) -> None:
    encoder = protomtl.TextEncoder(f"{NAME}@main").fit(TEXTS)
    np.testing.assert_array_equal(encoder.transform(TEXTS), protomtl.load(OLD).encode(TEXTS))
