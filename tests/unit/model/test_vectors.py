"""Vectors of frozen encoders: encoded once, keyed by what they depend on, never damaged."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from protomtl.model import libraries, vectors


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".state/vectors/sst"


def once(depends: object = 1, value: float = 1.0, calls: list[int] | None = None) -> list[torch.Tensor]:
    def encode() -> list[torch.Tensor]:
        if calls is not None:
            calls.append(1)
        return [torch.full((2, 3), value), torch.zeros(2, 3)]

    return vectors.shared(vectors.Wanted("sst", depends, encode))


def test_the_second_reader_finds_what_the_first_encoded() -> None:
    calls: list[int] = []
    first, second = once(calls=calls), once(value=9.0, calls=calls)
    assert calls == [1] and all(map(torch.equal, first, second)) and len(first) == 2


def test_what_another_process_encodes_comes_last_and_is_not_encoded_twice(tmp_path: Path) -> None:
    order: list[str] = []

    def wanted(name: str) -> vectors.Wanted:
        def encode() -> list[torch.Tensor]:
            order.append(name)
            return [torch.ones(1, 1)]

        return vectors.Wanted(name, 1, encode)

    busy, first = threading.Event(), threading.Event()

    def other() -> None:
        def encode() -> list[torch.Tensor]:
            first.set()
            assert busy.wait(60)
            order.append("a, by the other")
            return [torch.ones(1, 1)]

        vectors.shared(vectors.Wanted("a", 1, encode))

    def last() -> list[torch.Tensor]:
        order.append("c")
        busy.set()  # until here the other one is at it
        return [torch.ones(1, 1)]

    thread = threading.Thread(target=other)
    thread.start()
    assert first.wait(60)
    vectors.share([wanted("a"), wanted("b"), vectors.Wanted("c", 1, last)])
    thread.join()
    assert order == ["b", "c", "a, by the other"]


def test_what_depends_on_something_else_is_encoded_anew_and_the_older_goes(folder: Path) -> None:
    once()
    assert once(depends=2, value=7.0)[0][0, 0] == 7.0
    assert len([*folder.glob("*.safetensors")]) == 1


def test_other_code_encodes_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once()
    (tmp_path / "code").mkdir()
    monkeypatch.setattr(vectors, "CODE", tmp_path / "code")
    assert once(value=7.0)[0][0, 0] == 7.0


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_other_libraries_encode_anew(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    once()
    monkeypatch.setattr(vectors, "versions", lambda: libraries.versions() | {library: "0.1"})
    assert once(value=7.0)[0][0, 0] == 7.0


@pytest.mark.parametrize("damage", [lambda whole: whole[:50], lambda whole: whole[:-1] + bytes([whole[-1] ^ 1])])
def test_a_damaged_file_is_encoded_anew(damage: Callable[[bytes], bytes], folder: Path) -> None:
    once()
    (path,) = folder.glob("*.safetensors")
    path.write_bytes(damage(path.read_bytes()))
    assert once(value=7.0)[0][0, 0] == 7.0
    assert once(value=8.0)[0][0, 0] == 7.0


def test_what_was_left_is_taken_once_and_only_for_what_it_depends_on(folder: Path) -> None:
    vectors.leave("trained/a/sst", 1, [torch.ones(2, 3), torch.zeros(2, 1)])
    assert vectors.take("trained/b/sst", 1) is None
    found = vectors.take("trained/a/sst", 1)
    assert found is not None and [part.shape for part in found] == [(2, 3), (2, 1)] and found[0].sum() == 6
    assert vectors.take("trained/a/sst", 1) is None
    vectors.leave("trained/a/sst", 1, [torch.ones(1, 1)])
    assert vectors.take("trained/a/sst", 2) is None and not [*folder.parent.rglob("*.safetensors")]
