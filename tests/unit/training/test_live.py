"""Curves on disk while training runs: each step once, whatever happens; and what happens there ends no training."""

import csv
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from protomtl.core.files import read_json, write_csv
from protomtl.core.paths import LIVE
from protomtl.training import live
from protomtl.training.curves import Curves
from tests.unit.training.test_loop import fit
from tests.unit.training.test_resume import weights

DEV = [0.1, float("nan"), 0.3]  # a figure that is not defined is an empty field
OPTIONS: dict[str, Any] = {"epochs": 3, "save_every": 2, "lr": 0.1, "head_lr": 0.1}


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def written(curves: Curves, folder: Path) -> list[bytes]:
    """The files that a step writes of these curves."""
    for name, points in vars(curves).items():
        write_csv(folder / f"{name}.whole", points)
    return [(folder / f"{name}.whole").read_bytes() for name in vars(curves)]


def test_each_point_is_there_as_soon_as_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    show = live.Live.show

    def shown(own: live.Live, curve: str, points: list[dict[str, float]]) -> None:
        show(own, curve, points)
        seen.append((len(lines(tmp_path / "s/train.csv")), len(lines(tmp_path / "s/dev.csv"))))

    monkeypatch.setattr(live.Live, "show", shown)
    fit(tmp_path / "s", DEV[:2], epochs=2)
    assert seen == [(2, 0), (3, 0), (4, 0), (4, 2), (5, 2), (6, 2), (7, 2), (7, 3)]  # with a line of names each


def test_at_the_end_they_have_the_bytes_of_the_results_curves(tmp_path: Path) -> None:
    _, result = fit(tmp_path / "s", DEV, **OPTIONS)
    assert [(tmp_path / "s" / f"{name}.csv").read_bytes() for name in ("train", "dev")] == written(
        result.curves, tmp_path
    )


@pytest.mark.parametrize("at", range(1, 10))
def test_after_an_interruption_no_step_is_there_twice_and_none_is_lost(at: int, tmp_path: Path) -> None:
    """Also where the saved state is older than the last line, and where a kill has cut that off."""
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "s", DEV, interrupt=at, **OPTIONS)
    assert len(lines(tmp_path / "s/train.csv")) == (at if at > 1 else 0)
    with (tmp_path / "s/train.csv").open("a") as file:
        file.write(f"{at},0.")
    _, result = fit(tmp_path / "s", DEV[(at - 1) // 2 * 2 // 3 :], **OPTIONS)
    assert [int(row["step"]) for row in csv.DictReader(lines(tmp_path / "s/train.csv"))] == [*range(1, 10)]
    assert [(tmp_path / "s" / f"{name}.csv").read_bytes() for name in ("train", "dev")] == written(
        result.curves, tmp_path
    )


def test_a_damaged_state_begins_them_anew(tmp_path: Path) -> None:
    fit(tmp_path / "s", DEV, **OPTIONS)
    (tmp_path / "s/state.safetensors").write_bytes(b"half done")
    fit(tmp_path / "s", DEV, **OPTIONS)
    assert len(lines(tmp_path / "s/train.csv")) == 10 and len(lines(tmp_path / "s/dev.csv")) == 4


def test_what_it_is_stands_beside_them(tmp_path: Path) -> None:
    fit(tmp_path / "s", DEV, **OPTIONS)
    about = read_json(tmp_path / "s" / LIVE)
    assert (about["title"], about["steps"], about["first"]) == ("toy", 9, 0) and f"-{os.getpid()}-" in about["by"]


@pytest.mark.parametrize("at", ["begin", "append"])
def test_a_full_disk_is_told_once_and_ends_no_training(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, _ = fit(tmp_path / "whole", DEV, **OPTIONS)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(live, "write_json" if at == "begin" else "append", full)
    toy, result = fit(tmp_path / "s", DEV, **OPTIONS)
    assert weights(toy) == weights(whole) and result.steps == 9
    said = capsys.readouterr().err.splitlines()
    assert said == ["toy: live curves: [Errno 28] No space left on device; it goes on without"]
