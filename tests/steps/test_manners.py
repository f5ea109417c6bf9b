"""What users of scikit-learn and sentence-transformers expect of a model: labels, probabilities, one row by itself."""

import io
import pickle
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch

import protomtl
from protomtl import Model

TEXTS = ["a good film", "the dog sits", "bad bad story"]
PAIRS = [("the cat runs", "the dog runs"), ("a man", "a man")]
MOODS = ["very negative", "negative", "neutral", "positive", "very positive"]


@pytest.fixture(scope="module")
def loaded(model: Path) -> Model:
    return protomtl.load(model)


def test_labels_are_the_likeliest_classes_by_name(loaded: Model) -> None:
    likely = loaded.predict_proba("sst", TEXTS)
    assert likely.shape == (3, 5) and likely.dtype == np.float32 and likely.sum(1) == pytest.approx(1)
    assert loaded.classes("sst") == MOODS and loaded.classes("para") == ["no", "yes"]
    assert loaded.predict("sst", TEXTS).tolist() == [MOODS[k] for k in likely.argmax(1)]
    yes = loaded.predict_proba("para", PAIRS)[:, 1]
    assert loaded.predict("para", PAIRS).tolist() == ["yes" if p > 0.5 else "no" for p in yes]
    assert loaded.paraphrase(PAIRS).tolist() == yes.tolist()


def test_values_are_within_their_range_and_have_no_probabilities(loaded: Model) -> None:
    raw = np.stack([*loaded.stream_scores("sts", PAIRS)])[:, 0]
    assert loaded.predict("sts", PAIRS) == pytest.approx(np.clip(raw, 0, 5))
    for ask in (loaded.predict_proba, lambda task, _: loaded.classes(task)):
        with pytest.raises(ValueError, match="task 'sts' has values, which have no probabilities; use predict"):
            ask("sts", PAIRS)


def test_one_row_has_one_answer(loaded: Model) -> None:
    np.testing.assert_allclose(loaded.encode(TEXTS[0]), loaded.encode(TEXTS[:1])[0], atol=1e-6)
    assert loaded.encode(TEXTS[0]).shape == (32,)
    assert loaded.predict("sst", TEXTS[0]) == loaded.predict("sst", TEXTS[:1])[0]
    assert type(loaded.predict("sst", TEXTS[0])) is str and type(loaded.predict("sts", PAIRS[0])) is float
    for pair in (PAIRS[0], [*PAIRS[0]]):
        np.testing.assert_allclose(
            loaded.predict_proba("para", pair), loaded.predict_proba("para", PAIRS)[0], atol=1e-6
        )
    assert loaded.sentiment(TEXTS[0]).shape == (5,) and type(loaded.paraphrase(PAIRS[0])) is float
    assert loaded.vectors("para", PAIRS[0]).shape == (32,) and loaded.by_prototypes("para", PAIRS[0]).shape == (2,)


KINDS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "generator": lambda rows: (row for row in rows),
    "array": np.array,
    "array of objects": lambda rows: np.array(rows, dtype=object),
    "series": pd.Series,
    "series of strings": lambda rows: pd.Series(rows, dtype="string" if isinstance(rows[0], str) else object),
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_any_kind(kind: str, loaded: Model) -> None:
    of = KINDS[kind]
    np.testing.assert_array_equal(loaded.encode(of(TEXTS)), loaded.encode(TEXTS))
    np.testing.assert_array_equal(loaded.predict_proba("sst", of(TEXTS)), loaded.predict_proba("sst", TEXTS))
    np.testing.assert_array_equal(loaded.predict("sts", of(PAIRS)), loaded.predict("sts", PAIRS))


def test_options_of_sentence_transformers(loaded: Model) -> None:
    plain = loaded.encode(TEXTS)
    np.testing.assert_allclose(loaded.encode(TEXTS, batch_size=1), plain, atol=1e-6)
    unit = loaded.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), rtol=1e-6)
    tensor = loaded.encode(TEXTS, convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float32 and tensor.tolist() == plain.tolist()
    assert loaded.encode([], convert_to_tensor=True).shape == (0, 32)
    with redirect_stderr(io.StringIO()) as told:
        loaded.encode(TEXTS)
        assert told.getvalue() == ""
        loaded.predict("sst", TEXTS, show_progress_bar=True)
    assert "3/3" in told.getvalue()


@pytest.mark.parametrize("size", [0, -1, 1.5, "8", True])
def test_a_batch_size_that_is_none_is_refused(size: Any, loaded: Model) -> None:
    with pytest.raises(ValueError, match=r"batch_size=.*: must be a whole number above 0"):
        loaded.encode(TEXTS, batch_size=size)


def test_pickled_and_dumped_it_says_the_same(loaded: Model, tmp_path: Path) -> None:
    expected = loaded.predict_proba("sst", TEXTS)
    again = pickle.loads(pickle.dumps(loaded))  # noqa: S301
    np.testing.assert_array_equal(again.predict_proba("sst", TEXTS), expected)
    joblib.dump(loaded, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").predict_proba("sst", TEXTS), expected)


def test_a_model_stays_whole_where_the_program_changes_its_folder(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    found = protomtl.load(model.name)
    monkeypatch.chdir(tmp_path)
    assert found.has_map and len(found.map("sst")) == 3 and found.origin == model.name
    assert pickle.loads(pickle.dumps(found)).has_map  # noqa: S301


def test_what_is_masked_and_what_is_no_name_are_said(loaded: Model) -> None:
    with pytest.raises(TypeError, match="row 1: a text is needed, not masked"):
        loaded.encode(np.ma.array(["a", "b"], mask=[False, True]))
    with pytest.raises(ValueError, match=r"no task \['sst'\]; it has para, sst, sts"):
        loaded.predict(["sst"], TEXTS)  # type: ignore[arg-type]
    assert len(loaded.encode(TEXTS, batch_size=10**30)) == 3


def test_what_is_no_folder_of_an_export_is_said(model: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is a file; name the folder that `protomtl export` wrote"):
        protomtl.load(model / "protomtl.json")
    with pytest.raises(FileNotFoundError, match="'': names no folder"):
        protomtl.load("")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match=r"^protomtl.load: device: cuda: this machine has no GPU"):
            protomtl.load(model, device="cuda")
