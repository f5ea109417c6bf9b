"""Opening what `protomtl export` wrote."""

from pathlib import Path
from typing import Literal

from protomtl.core.files import read_json
from protomtl.core.paths import RECORD
from protomtl.inference.model import Model
from protomtl.model.settings import Compute


def load(
    folder: str | Path,
    *,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "bf16", "fp32"] = "fp32",
    threads: int = 1,
) -> Model:
    """Load what `protomtl export` wrote.

    precision: fp32 gives the vectors that other loaders of the folder give; auto is faster where the hardware
    multiplies bf16. threads: of a CPU. Raises FileNotFoundError, with what to do, if the folder holds no export, and
    ValueError if what it holds is damaged or does not fit together.
    """
    from protomtl.inference.network import Network  # heavy

    folder = exported(folder)
    compute = Compute(device=device, precision=precision, threads=threads, processes=1)
    try:
        record = read_json(folder / RECORD)
        return Model(folder, record, Network(folder, record, compute))
    except SystemExit as error:  # a step ends by it; a user's program goes on
        raise ValueError(error.code) from None
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / RECORD}: this is no record of an export: {error!r}") from None


def exported(folder: str | Path) -> Path:
    """The folder, if it holds an export; else FileNotFoundError."""
    if not (Path(folder) / RECORD).is_file():
        raise FileNotFoundError(
            f"{folder}: no {RECORD} there; `protomtl export METHOD --to {folder}` makes such a folder"
        )
    return Path(folder)
