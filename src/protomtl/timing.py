"""Seconds that training took: kept beside the results, not in them, so that equal runs give equal bytes."""

from protomtl.files import read_json, write_json
from protomtl.paths import TIMING


def write(stage: str, method: str, seed: int, seconds: float) -> None:
    write_json(TIMING / stage / f"{method}-seed{seed}.json", {"seconds": round(seconds, 1)})


def read(stage: str, method: str, seed: int) -> float | None:
    """Seconds of training, or None where the result came from the cache and not from this folder."""
    path = TIMING / stage / f"{method}-seed{seed}.json"
    return float(read_json(path)["seconds"]) if path.exists() else None
