"""What dvc.lock records, as far as DVC wrote it."""

from pathlib import Path

import pytest

from protomtl.verification import read_lock

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
