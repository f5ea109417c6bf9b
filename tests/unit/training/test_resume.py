"""A saved state is whole, to the byte, or it is set aside and training starts anew."""

import errno
import os
import shutil
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from protomtl.core import files, locks
from protomtl.model import checked_tensors
from protomtl.training import resume, timing
from tests.support.faulty import KILLED, Faults, faulty, in_a_process
from tests.unit.training.test_loop import Toy, fit

DEV = [0.1, 0.2]
NAMES = ("state.safetensors", "best.safetensors")


def weights(toy: nn.Module) -> list[float]:
    return [value.item() for value in toy.parameters()]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    """The state of a finished training, and its weights."""
    folder = tmp_path_factory.mktemp("trained") / "key"
    return folder, weights(fit(folder, DEV)[0])


def copy(trained: Path, target: Path) -> Path:
    return Path(shutil.copytree(trained, target / trained.name))


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


DAMAGES = {
    "cut": cut,
    "empty": lambda _: b"",
    "text": lambda _: b"half done",
    "last byte": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "header": lambda content: b"\xff" * 8 + content[8:],
    "longer": lambda content: content + b"\0",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_set_aside_and_the_result_is_the_same(
    damage: str, name: str, trained: tuple[Path, list[float]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy(trained[0], tmp_path)
    bad = DAMAGES[damage]((folder / name).read_bytes())
    (folder / name).write_bytes(bad)
    assert weights(fit(folder, DEV)[0]) == trained[1]
    said = capsys.readouterr().err
    assert f"{folder / name}: " in said and "training starts from the beginning" in said
    assert (folder / f"{name}.damaged").read_bytes() == bad
    assert weights(fit(folder, [])[0]) == trained[1]  # whole again: nothing is left to do
    assert "set aside" not in capsys.readouterr().err


def test_a_missing_best_epoch_starts_anew(trained: tuple[Path, list[float]], tmp_path: Path) -> None:
    folder = copy(trained[0], tmp_path)
    (folder / "best.safetensors").unlink()
    assert weights(fit(folder, DEV)[0]) == trained[1]


def test_the_state_of_another_run_is_not_taken(
    trained: tuple[Path, list[float]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained[0], tmp_path / "other")
    assert weights(fit(tmp_path / "other", DEV)[0]) == trained[1]
    assert "its checksum is not that of this place" in capsys.readouterr().err


def test_a_state_of_other_shapes_is_not_restored(trained: tuple[Path, list[float]]) -> None:
    class Wider(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(2, 1, bias=False)

    toy = Wider()
    before = toy.encoder.weight.clone()
    with pytest.raises(checked_tensors.Damaged, match="does not fit the model"):
        resume.load(trained[0] / "state.safetensors", toy, None)
    assert torch.equal(toy.encoder.weight, before)


@given(data=st.data(), names=st.lists(st.text("ab._1", max_size=9), min_size=1, max_size=4, unique=True))
def test_curves_come_back_as_they_were(data: st.DataObject, names: list[str]) -> None:
    kinds = [data.draw(st.sampled_from([st.floats(allow_nan=False), st.integers(-(2**60), 2**60)])) for _ in names]
    rows = st.lists(st.tuples(*kinds), min_size=1, max_size=5)
    curves = {c: [dict(zip(names, row, strict=True)) for row in data.draw(rows)] for c in ("train", "dev")}
    found = resume.curve_points(resume.strip_prefix("curves.", resume.curve_tensors(curves)))
    assert repr(found) == repr(curves)  # types, signs of zeros and the order of columns, too


def test_the_header_of_a_state_does_not_grow_with_the_curves(tmp_path: Path) -> None:
    def header(steps: int) -> int:
        path = tmp_path / f"{steps}.safetensors"
        train = [{"step": step, "loss": 0.5} for step in range(steps)]
        resume.save(path, Toy(), None, {"done": steps}, None, {"train": train, "dev": []})
        assert resume.load(path, Toy(), None)["curves"] == {"train": train}
        return int.from_bytes(path.read_bytes()[:8], "little")

    assert header(100_000) - header(1) < 100


def test_wherever_a_save_fails_or_ends_a_state_is_there_to_go_on_with(
    trained: tuple[Path, list[float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "is_running", lambda _: False)
    done = checked_tensors.read(trained[0] / NAMES[0])[0]["done"]

    def save(folder: Path) -> None:
        resume.save(folder / NAMES[0], Toy(), None, {"done": 0})

    with faulty(Faults()) as counted:
        save(tmp_path)
    struck = 0
    for at, error in product(range(1, len(counted.calls) + 1), (None, errno.ENOSPC)):
        folder = copy(trained[0], tmp_path / f"{at}-{error}")
        faults = Faults(at, error, lasting=True)
        if error is None:
            struck += in_a_process(lambda at=folder: save(at), faults) == KILLED  # type: ignore[misc]
        else:
            with suppress(OSError), faulty(faults):
                save(folder)
            struck += len(faults.calls) >= at
        assert checked_tensors.read(folder / NAMES[0])[0]["done"] in (0, done), (counted.calls, at)
        save(folder)
        assert checked_tensors.read(folder / NAMES[0])[0]["done"] == 0
        assert {path.name for path in folder.iterdir()} == {path.name for path in trained[0].iterdir()}
    assert struck == 2 * len(counted.calls) > 10


THINGS = {
    "a folder": lambda path: path.mkdir(),
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a loop of links": lambda path: path.symlink_to(path.name),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_file_does_not_block_a_rerun(
    name: str, thing: str, trained: tuple[Path, list[float]], tmp_path: Path
) -> None:
    folder = copy(trained[0], tmp_path)
    (folder / name).unlink()
    THINGS[thing](folder / name)
    (folder / f"{name}.damaged").mkdir()  # of an earlier time
    assert weights(fit(folder, DEV)[0]) == trained[1]
    assert (folder / name).is_file()


def test_best_and_last_state_are_not_taken_for_each_other(trained: tuple[Path, list[float]], tmp_path: Path) -> None:
    folder = copy(trained[0], tmp_path)
    contents = [(folder / name).read_bytes() for name in NAMES]
    for name, content in zip(NAMES, reversed(contents), strict=True):
        (folder / name).write_bytes(content)
    assert weights(fit(folder, DEV)[0]) == trained[1]
    assert len([*folder.glob("*.damaged")]) == 2


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.EAGAIN, "another process is training it"), (errno.ENOTSUP, "needs a file system with locks")],
)
def test_a_lock_that_cannot_be_had_says_why(
    number: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(SystemExit, match=message), resume.exclusive("finetune", "m", 1):
        raise AssertionError


def test_damaged_times_block_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (timing.curve_of("finetune", "m", 1), timing.recorded("finetune", "m", 1)[0]):
        path.parent.mkdir(parents=True)
        path.write_text("half done")
    timing.write("finetune", "m", 1, 3.0)
    assert timing.read("finetune", "m", 1) == 3.0
    assert "earlier times are lost" in capsys.readouterr().err
