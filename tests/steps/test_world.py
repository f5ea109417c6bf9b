"""The caller's world: whatever is called of the public API, it is afterwards as it was before."""

import inspect
import pickle
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from transformers.utils import logging as transformers_logging

import protomtl
from protomtl import Model, PrototypeClassifier, TextEncoder
from tests.support.world import changes, world

PARTS = {  # what others are made of, no public names (docs/reference/api.md)
    *("check_settings", "begin", "widen", "add", "similarities", "log_prior", "nearness", "likeliest_temperature"),
    *("set_partial_fit_request", "set_score_request", "labels", "scores", "task", "classified", "answered"),
}
TEXTS = ["a good film", "the dog sits", "bad bad story"] * 2
PAIRS = [("the cat runs", "the dog runs"), ("a man", "a man")]
LABELS = ["up", "down", "down"] * 2


def abandoned(stream: Iterator[Any]) -> Iterator[Any]:
    """Its first row; it is left half way, and alive."""
    next(stream)
    return stream


def refused(call: Callable[[], Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        call()


def fitted(folder: Path) -> Any:
    return make_pipeline(TextEncoder(str(folder)), PrototypeClassifier()).fit(TEXTS, LABELS)


CALLS: dict[str, Callable[[Model, Path], Any]] = {
    "load": lambda _, folder: protomtl.load(folder),
    "load with two threads": lambda _, folder: protomtl.load(folder, threads=2, precision="bf16").encode(TEXTS * 200),
    "load a damaged folder": lambda _, folder: refused(lambda: protomtl.load(damaged(folder))),
    "encode": lambda model, _: model.encode(TEXTS),
    "encode no texts": lambda model, _: refused(lambda: model.encode(["a", 3])),  # type: ignore[list-item]
    "stream": lambda model, _: [*model.stream(TEXTS)],
    "leave a stream": lambda model, _: abandoned(model.stream(TEXTS)),
    "leave a stream of scores": lambda model, _: abandoned(model.stream_scores("sts", PAIRS)),
    "predict": lambda model, _: (model.predict("sst", TEXTS), model.predict_proba("sst", TEXTS)),
    "encode to a tensor": lambda model, _: model.encode(TEXTS, convert_to_tensor=True, normalize_embeddings=True),
    "predict what is no task": lambda model, _: refused(lambda: model.predict("nosuch", TEXTS)),
    "tasks": lambda model, _: (model.sentiment(TEXTS), model.paraphrase(PAIRS), model.similarity(PAIRS)),
    "vectors": lambda model, _: model.vectors("para", PAIRS),
    "one row": lambda model, _: (model.vectors("sst", "a good film"), model.classes("sst")),
    "novelty": lambda model, _: model.novelty("sst", TEXTS),
    "name what is strange": lambda model, _: model.predict("sst", TEXTS, unknown="none"),
    "explain without examples": lambda model, _: refused(lambda: model.explain("sst", TEXTS)),
    "by prototypes": lambda model, _: (model.by_prototypes("sst", TEXTS), model.by_prototypes("sts", PAIRS)),
    "prototypes": lambda model, _: (model.prototypes("sst"), model.has_map, model.map("sst"), model.width),
    "fit and score": lambda _, folder: fitted(folder).score(TEXTS, LABELS),
    "names of features": lambda _, folder: TextEncoder(str(folder)).fit(TEXTS).get_feature_names_out(),
    "fit in parts": lambda *_: PrototypeClassifier().partial_fit([[0.0]], ["a"], classes=["a", "b"]).predict([[1.0]]),
    "probabilities": lambda _, folder: fitted(folder).predict_proba(TEXTS),
    "pickle": lambda _, folder: pickle.loads(pickle.dumps(fitted(folder))).predict(TEXTS),  # noqa: S301
}


def test_every_public_name_is_called() -> None:
    called = inspect.getsource(sys.modules[__name__]).partition("def fitted(")[2].partition("\n}\n")[0]
    for name in (*protomtl.__all__, *vars(Model), *vars(PrototypeClassifier)):
        if not name.startswith("_") and name not in PARTS and name != "Model":
            assert re.search(rf"\b{name}\(|\.{name}\b", called), name


def damaged(folder: Path) -> Path:
    copy = folder.with_name("damaged")
    if not copy.exists():
        shutil.copytree(folder, copy)
        (copy / "model.safetensors").write_bytes(b"version https://git-lfs")
    return copy


@pytest.fixture(scope="module")
def loaded(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Path]:
    """A model, used once: what is imported late has been, which counts as the interpreter's world."""
    folder = Path(shutil.copytree(model, tmp_path_factory.mktemp("world") / "model"))
    found = protomtl.load(folder)
    for call in CALLS.values():
        call(found, folder)
    return found, folder


@contextmanager
def another(gradients: bool, threads: int, dtype: torch.dtype, verbosity: int, bars: bool) -> Iterator[None]:
    """Inside, the caller has chosen otherwise than the libraries' defaults."""
    before = torch.get_num_threads(), torch.get_default_dtype(), transformers_logging.get_verbosity()
    try:
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        transformers_logging.set_verbosity(verbosity)
        (transformers_logging.enable_progress_bar if bars else transformers_logging.disable_progress_bar)()
        with torch.set_grad_enabled(gradients), warnings.catch_warnings():
            warnings.simplefilter("error")
            torch.rand(7)  # elsewhere than a load would leave the generator
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_default_dtype(before[1])
        transformers_logging.set_verbosity(before[2])
        transformers_logging.enable_progress_bar()


@given(
    names=st.lists(st.sampled_from(sorted(CALLS)), min_size=1, max_size=3),
    gradients=st.booleans(),
    threads=st.integers(1, 3),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    verbosity=st.sampled_from([10, 30, 40]),
    bars=st.booleans(),
)
def test_after_any_calls_the_world_is_as_before(loaded: tuple[Model, Path], names: list[str], **chosen: Any) -> None:
    with another(**chosen):
        before = world()
        kept = [CALLS[name](*loaded) for name in names]  # streams that were left stay alive
        assert not changes(before), names
        del kept


@pytest.mark.parametrize("name", sorted(CALLS))
def test_after_each_call_the_world_is_as_before(loaded: tuple[Model, Path], name: str) -> None:
    test_after_any_calls_the_world_is_as_before.hypothesis.inner_test(  # type: ignore[attr-defined]
        loaded, [name], gradients=True, threads=2, dtype=torch.float64, verbosity=30, bars=True
    )


def test_what_a_caller_chose_does_not_change_the_vectors(loaded: tuple[Model, Path]) -> None:
    model, folder = loaded
    expected = model.encode(TEXTS)
    with another(gradients=True, threads=2, dtype=torch.float64, verbosity=30, bars=True):
        for one in (model, protomtl.load(folder)):
            found = one.encode(TEXTS)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, expected)
            assert one.predict_proba("sst", TEXTS).dtype == np.float32


WORLDS: dict[str, Callable[[], Any]] = {
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "another device": lambda: torch.device("meta"),
    "inference mode": torch.inference_mode,
    "errors of NumPy": lambda: np.errstate(all="raise"),
    "warnings": lambda: warnings.catch_warnings(action="error"),
}


@pytest.mark.parametrize("name", WORLDS)
def test_within_what_a_caller_does_with_others_the_answers_are_the_same(name: str, loaded: tuple[Model, Path]) -> None:
    model, folder = loaded

    def answers(found: Model) -> list[Any]:
        calls: list[Callable[..., Any]] = [found.predict_proba, found.vectors, found.by_prototypes, found.novelty]
        return [found.encode(TEXTS), *(call("sst", TEXTS) for call in calls), found.by_prototypes("para", PAIRS)]

    expected = answers(model)
    with WORLDS[name]():
        several = [answers(one) for one in (model, protomtl.load(folder))]
    for here in several:
        for one, other in zip(here, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_while_a_stream_is_read_the_world_is_the_callers(loaded: tuple[Model, Path]) -> None:
    before = world()
    for _ in loaded[0].stream(TEXTS):
        assert not changes(before)
    for _ in loaded[0].stream_scores("sst", TEXTS):
        assert not changes(before)


def test_while_rows_are_read_the_world_is_the_callers(loaded: tuple[Model, Path]) -> None:
    torch.set_num_threads(3)
    before = world()
    seen: list[bool] = []

    def rows() -> Iterator[str]:
        for text in TEXTS:
            seen.append(not changes(before))
            yield text

    loaded[0].encode(rows())
    loaded[0].vectors("sst", rows())
    loaded[0].predict("sst", rows())
    assert seen == [True] * 3 * len(TEXTS)
