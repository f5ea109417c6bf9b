"""A file of tensors is what was written into its place, to the byte, or it is Damaged."""

import os
from pathlib import Path

import pytest
import torch

from protomtl.model import checked_tensors
from protomtl.model.checked_tensors import Damaged

TENSORS = {"a": torch.arange(6, dtype=torch.float32).reshape(2, 3), "b": torch.tensor(True), "c": torch.empty(0, 2)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    checked_tensors.save(tmp_path / "key/state.safetensors", TENSORS, {"done": 3})
    return tmp_path / "key/state.safetensors"


def test_what_was_written_is_read(path: Path) -> None:
    about, found = checked_tensors.read(path)
    assert about == {"done": 3} and found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], value) for name, value in TENSORS.items())


def test_no_flipped_or_lost_byte_is_read(path: Path) -> None:
    """But for blanks of JSON, which say nothing."""
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped = {bytes([whole[place] ^ change]) for change in (*(1 << bit for bit in range(8)), 0x0F)}
        blanks = {b"\t", b"\n", b"\r"} if whole[place] == ord(" ") else set()
        for broken in (whole[:place], *(whole[:place] + byte + whole[place + 1 :] for byte in flipped - blanks)):
            path.write_bytes(broken)
            with pytest.raises(Damaged, match=r"key/state\.safetensors: (cannot be read|its checksum is not)"):
                checked_tensors.read(path)


@pytest.mark.parametrize(("old", "new"), [(b'"F32"', b'"I32"'), (b"[2,3]", b"[3,2]"), (b"[2,3]", b"[6,1]")])
def test_the_same_bytes_as_other_numbers_are_damaged(path: Path, old: bytes, new: bytes) -> None:
    whole = path.read_bytes()
    assert whole.count(old) >= 1
    path.write_bytes(whole.replace(old, new, 1))
    with pytest.raises(Damaged):
        checked_tensors.read(path)


def test_a_file_of_another_place_and_what_is_no_file_are_damaged(path: Path, tmp_path: Path) -> None:
    (other := tmp_path / "another/state.safetensors").parent.mkdir()
    other.write_bytes(path.read_bytes())
    os.mkfifo(pipe := tmp_path / "pipe")
    for place in (other, pipe, tmp_path, tmp_path / "nothing"):
        with pytest.raises(Damaged):
            checked_tensors.read(place)
