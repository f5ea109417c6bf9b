"""What a trainer holds, nobody takes away."""

from pathlib import Path

import pytest

from protomtl.core import locks
from protomtl.core.paths import STATE


def test_what_a_living_trainer_saves_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later stage may begin while a trainer that a killed engine left goes on: its lock and its state stay."""
    monkeypatch.chdir(tmp_path)
    run = STATE / "finetune/concat-seed1"
    (run / "key").mkdir(parents=True)
    (run / "key/state.safetensors").touch()
    with locks.held(run / "lock") as ours:
        assert ours
        with locks.held(run / "lock") as again:
            assert not again
        locks.forget("finetune", "concat", 1)
        assert (run / "key/state.safetensors").exists()
    locks.forget("finetune", "concat", 1)
    assert [path.name for path in run.iterdir()] == ["lock"]  # who waits for it and who comes later have the same
    locks.forget("finetune", "never trained", 1)
