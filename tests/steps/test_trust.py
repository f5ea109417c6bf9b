"""What an export knows of its own answers: temperatures, what is none of its texts, and why."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import protomtl
from protomtl import Model, calibration, novelty
from protomtl.core.files import read_json
from protomtl.steps.export import step
from tests.steps.test_texts import rows_of, run, typed
from tests.support import ROOT
from tests.support.makers import unsealed
from tests.support.trust import check_temperature, check_threshold, split_of

TEXTS = ["good good film", "the cat sits and the dog runs", "bad"]
PAIRS = [("the cat runs", "the dog runs"), ("a man", "a man")]


@pytest.fixture(scope="module")
def explained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, exported with 20 training rows of each task."""
    project = Path(shutil.copytree(model.parent, tmp_path_factory.mktemp("trust") / "project"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        step.write("cosine", 1, Path("explained"), examples=20)
    return project / "explained"


@pytest.fixture(scope="module")
def loaded(explained: Path) -> Model:
    return protomtl.load(explained)


@pytest.mark.parametrize("task", ["sst", "para"])
def test_the_temperature_is_the_likeliest_on_dev_and_judged_on_test(task: str, loaded: Model, explained: Path) -> None:
    check_temperature(loaded, explained, task)


def test_a_temperature_changes_probabilities_and_no_label(loaded: Model) -> None:
    plain, warm = (loaded.predict_proba("sst", TEXTS, calibrated=c) for c in (False, True))
    expected = calibration.softened(calibration.logits_of(plain), loaded.trust["sst"].temperature)
    np.testing.assert_allclose(warm, expected, atol=1e-6)
    assert (warm.argmax(1) == plain.argmax(1)).all() and np.abs(warm - plain).max() > 1e-3


def test_of_dev_rows_one_in_twenty_is_taken_for_strange(loaded: Model, explained: Path) -> None:
    for task in loaded.tasks:
        check_threshold(loaded, explained, task)


def test_strange_rows_are_named_as_the_caller_says(loaded: Model) -> None:
    found = loaded.trust["sst"].novelty
    assert found is not None
    strict = found.model_copy(update={"threshold": found.threshold + float(np.median(loaded.novelty("sst", TEXTS)))})
    copy = protomtl.Model(loaded.folder, loaded.record, loaded.network)
    copy.trust = loaded.trust | {"sst": loaded.trust["sst"].model_copy(update={"novelty": strict})}
    strange = copy.novelty("sst", TEXTS) > 0
    said = copy.predict("sst", TEXTS, unknown="none of these")
    assert strange.sum() == 1 and [label == "none of these" for label in said] == strange.tolist()
    assert said[~strange].tolist() == copy.predict("sst", TEXTS)[~strange].tolist()
    for text, label in zip(TEXTS, said, strict=True):
        assert copy.predict("sst", text, unknown="none of these") == label
    assert len(copy.predict("sst", [], unknown="x")) == len(copy.novelty("sst", [])) == 0


def test_the_nearest_training_rows_are_the_reason(loaded: Model, explained: Path) -> None:
    given, labels = split_of(explained, "sst", "train")
    found = loaded.explain("sst", TEXTS, top=4)
    assert [len(reasons) for reasons in found] == [4, 4, 4] and len(loaded.examples["sst"].rows) == 20
    names = loaded.classes("sst")
    known = {(text, names[int(label)]) for text, label in zip(given, labels, strict=True)}
    own, others = (novelty.unit(loaded.vectors("sst", rows)) for rows in (TEXTS, [r["text"] for r in found[0]]))
    assert all((reason["text"], reason["label"]) in known for reasons in found for reason in reasons)
    assert [r["cosine"] for r in found[0]] == pytest.approx((own[:1] @ others.T)[0], abs=2e-3)  # float16
    assert [r["cosine"] for r in found[0]] == sorted((r["cosine"] for r in found[0]), reverse=True)
    first = loaded.examples["sts"].rows[0].texts
    assert loaded.explain("sts", tuple(first), top=1)[0]["text"] == tuple(first)


def test_columns_of_predict_are_as_before_and_more_are_asked_for(
    explained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in PAIRS))
    command = f"protomtl predict --model {explained} --task para --input in.jsonl --columns a b"
    plain = rows_of(typed(command, capfd))
    assert [*plain[0]] == ["a", "b", "prediction", "score_no", "score_yes"]
    more = rows_of(typed(f"{command} --unknown other --why 2", capfd))
    assert [*more[0]][5:] == ["why_1", "why_1_label", "why_1_cosine", "why_2", "why_2_label", "why_2_cosine"]
    assert more[0]["why_1_label"] in ("no", "yes") and " | " in more[0]["why_1"]
    assert all(row["prediction"] in ("no", "yes", "other") for row in more)


@pytest.mark.parametrize("top", [0, -1, 1.5, None])
def test_so_many_reasons_are_one_at_least(explained: Path, top: Any) -> None:
    with pytest.raises(ValueError, match="must be a whole number above 0"):
        protomtl.load(explained).explain("sst", "a good film", top=top)


def test_exports_without_say_what_to_do(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("good\n")
    said = run(capsys, "predict", model, tmp_path / "in.txt", "--task", "sst", "--why", "3")
    assert "this model has no examples of 'sst'; export it with `--examples 1000`" in said
    old = ROOT / "tests/support/export_0_1"
    said = run(capsys, "predict", old, tmp_path / "in.txt", "--task", "sst", "--unknown", "other")
    assert "this model has no threshold of novelty of 'sst'; export it again" in said


SPOILT: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "no JSON": ("calibration.json", lambda path: path.write_text("{"), "damaged, no valid JSON"),
    "a temperature of zero": ("calibration.json", lambda path: edit(path, "temperature", 0.0), "is no calibration"),
    "an unknown key": ("calibration.json", lambda path: edit(path, "warmth", 1.0), "is no calibration"),
    "another task": ("calibration.json", lambda path: path.write_text("{}"), "is not of the model beside it"),
    "a list": ("calibration.json", lambda path: path.write_text("[]"), "is no calibration"),
    "no rows": ("examples.json", lambda path: path.write_text("[]"), "are no training examples"),
    "rows without texts": ("examples.json", lambda path: path.write_text('{"sst": [{}]}'), "are no training examples"),
    "other rows": ("examples.json", lambda path: path.write_text("{}"), "are not of the model beside them"),
    "no vectors": ("examples.safetensors", lambda path: path.write_bytes(b"x"), "examples cannot be read"),
}


def edit(path: Path, key: str, value: float) -> None:
    found = read_json(path)
    found["sst"][key] = value
    path.write_text(json.dumps(found))


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_file_loads_no_model(what: str, explained: Path, tmp_path: Path) -> None:
    copy = unsealed(explained, tmp_path / "copy")
    name, spoil, message = SPOILT[what]
    spoil(copy / name)
    with pytest.raises(ValueError, match=message) as caught:
        protomtl.load(copy)
    assert "\n" not in str(caught.value).strip()


def test_the_card_tells_temperature_error_and_auroc(explained: Path) -> None:
    card, found = (explained / "README.md").read_text(), read_json(explained / "calibration.json")
    assert "## Trust" in card and f"{found['sst']['temperature']:.2f}" in card
    assert all(f"{value:.3f}" in card for value in found["sst"]["ece"])
    assert 0 <= found["sst"]["novelty"]["auroc"] <= 1 and f"{found['sst']['novelty']['auroc']:.3f}" in card


def test_without_examples_an_older_exports_are_gone(explained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(explained.parent)
    for examples in (3, 0):
        step.write("cosine", 1, Path("again"), examples=examples)
        assert Path("again/examples.json").exists() == Path("again/examples.safetensors").exists() == bool(examples)
