"""A saved state is whole, to the byte, or it is set aside and training starts anew."""

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from protomtl.training import resume
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
    assert "its checksum is not that of this run" in capsys.readouterr().err


@given(data=st.data())
def test_no_flipped_or_lost_byte_is_ever_restored(data: st.DataObject, trained: tuple[Path, list[float]]) -> None:
    path = trained[0] / "state.safetensors"
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    change = data.draw(st.integers(0, 255))  # 0: the file ends there
    broken = whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :] if change else whole[:place]
    path.write_bytes(broken)
    toy = nn.ModuleDict({"encoder": nn.Linear(1, 1, bias=False), "head": nn.Linear(1, 1, bias=False)})
    before = weights(toy)
    try:
        with pytest.raises(resume.Damaged):
            resume.load(path, toy, None)
        assert weights(toy) == before
    finally:
        path.write_bytes(whole)


def test_a_state_of_other_shapes_is_not_restored(trained: tuple[Path, list[float]]) -> None:
    class Wider(Toy):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(2, 1, bias=False)

    toy = Wider()
    before = toy.encoder.weight.clone()
    with pytest.raises(resume.Damaged, match="does not fit the model"):
        resume.load(trained[0] / "state.safetensors", toy, None)
    assert torch.equal(toy.encoder.weight, before)
