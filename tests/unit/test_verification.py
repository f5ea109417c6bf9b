"""What dvc.lock records, as far as DVC wrote it."""

from pathlib import Path

import pytest

from protomtl.verification import HELD, Damage, Kind, bad_objects, lock_holders, read_lock, stale_lock

STAGE = "stages:\n  prepare:\n    outs:\n    - path: {}\n      md5: {}\n"


def test_outputs_and_their_checksums_are_by_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(STAGE.format("data/x", "00ff.dir"))
    assert read_lock() == {"prepare": {"data/x": "00ff.dir"}}


@pytest.mark.parametrize(
    "text", ["{{{", "[]", "stages:\n  prepare: 1\n", STAGE.format("data/x", 3), STAGE.format(3, "00ff"), ""]
)
def test_a_lock_that_dvc_did_not_write_is_told(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(text)
    with pytest.raises(SystemExit, match=r"dvc\.lock: not what DVC writes"):
        read_lock()


@pytest.mark.parametrize("content", [b"", b'{"write": {"', b"\0" * 99, b"\xff\xfe", b"[1]", b'"x"', b"{}x"])
def test_a_lock_of_dvc_that_was_cut_off_or_overwritten_is_told(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    HELD.parent.mkdir(parents=True)
    HELD.write_bytes(content)
    assert [*stale_lock()] == [Damage(HELD, Kind.LOCK, "a lock that was cut off while it was written")]
    assert lock_holders() == []


def test_a_folder_in_the_place_of_an_object_is_told(tmp_path: Path) -> None:
    (place := tmp_path / "00" / ("f" * 30)).mkdir(parents=True)
    ((path, kind, _),) = bad_objects(tmp_path, {})
    assert (path, kind) == (place, Kind.OBJECT)
