"""Seconds of a training, and on what: kept beside the results, not in them, so that equal runs give equal bytes."""

import sys
from pathlib import Path
from typing import Any

from protomtl.core.files import read_json, sha256, write_json
from protomtl.core.paths import TIMING, results
from protomtl.training.machine import machine


def curve_of(stage: str, method: str, seed: int) -> Path:
    """The losses of a training: they tell which one it was, also when DVC has brought another version back."""
    if stage == "pretrain":
        return results("pretrain", method, seed) / "train.csv"
    return results("curves/train", method, seed) / "curve.csv"


def recorded(stage: str, method: str, seed: int) -> tuple[Path, dict[str, Any]]:
    """Where the times of a run stand, and what is known of each training of it by the digest of its curve.

    That is `seconds` and `machine`; a number, the seconds alone, was written up to version 0.2.
    """
    path = TIMING / stage / f"{method}-seed{seed}.json"
    try:
        return path, read_json(path) if path.exists() else {}
    except SystemExit as damaged:  # no result depends on it
        print(f"{damaged.code}; earlier times are lost", file=sys.stderr)
        return path, {}


def write(stage: str, method: str, seed: int, seconds: float) -> None:
    path, times = recorded(stage, method, seed)
    found = {"seconds": round(seconds, 1), "machine": machine()}
    write_json(path, times | {sha256(curve_of(stage, method, seed)): found})


def known(stage: str, method: str, seed: int) -> dict[str, Any]:
    """`seconds` and `machine` of the training whose result is here; {} where it was done in another folder."""
    curve, (_, times) = curve_of(stage, method, seed), recorded(stage, method, seed)
    found = times.get(sha256(curve), {}) if curve.exists() else {}
    return found if isinstance(found, dict) else {"seconds": found}


def read(stage: str, method: str, seed: int) -> float | None:
    """Seconds of the training whose result is here, or None where it was done in another folder."""
    return known(stage, method, seed).get("seconds")
