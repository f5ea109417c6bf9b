"""Opening what `protomtl export` wrote."""

from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from protomtl.backends.opening import opened
from protomtl.backends.whole import check
from protomtl.core.files import read_json
from protomtl.core.paths import RECORD
from protomtl.core.sections import validate
from protomtl.inference.model import Model
from protomtl.model.settings import Compute

BACKENDS = ("auto", "torch", "onnx", "static")


def load(
    folder: str | Path,
    *,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "bf16", "fp32"] = "fp32",
    threads: int = 1,
    backend: Literal["auto", "torch", "onnx", "static"] = "auto",
) -> Model:
    """Load what `protomtl export` wrote.

    backend: what must run it; auto is what the folder was exported for. Only torch needs torch. precision: fp32 gives
    the vectors that other loaders of the folder give; auto is faster where the hardware multiplies bf16. threads: of a
    CPU. Raises FileNotFoundError, with what to do, if the folder holds no export, and ValueError if what it holds is
    damaged, does not fit together, or is not for this backend.
    """
    folder = exported(folder)
    options = {"device": device, "precision": precision, "threads": threads, "processes": 1}
    try:
        compute = validate("protomtl.load", Compute, options)
        record = read_json(folder / RECORD)
        if not isinstance(record, dict):
            raise TypeError(f"it is {record!r:.40}")
        check(folder, record)
        return Model(folder, record, network_of(folder, record, compute, backend))
    except SystemExit as error:  # a step ends by it; a user's program goes on
        raise ValueError(error.code) from None
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        said = str(error) if isinstance(error, ValidationError) else repr(error)
        raise ValueError(f"{folder / RECORD}: this is no record of an export: {' '.join(said.split()):.200}") from None


def load_alone(folder: str | Path, **options: Any) -> Model:
    """`load` for a process that is there for this model only: torch is set up for it, where torch runs it."""
    model = load(folder, **options)
    if compute := getattr(model.network, "compute", None):
        from protomtl.model.encoder import settle  # heavy

        settle(compute)
    return model


def network_of(folder: Path, record: dict[str, Any], compute: Compute, backend: str) -> Any:
    """What runs an export. SystemExit if that is not the backend that is asked for, or what it lies in is damaged."""
    if backend not in BACKENDS:
        raise SystemExit(f"backend={backend!r}: must be one of {', '.join(BACKENDS)}")
    form = record.get("format", "torch")
    if backend not in ("auto", form.removesuffix("-int8")):
        raise SystemExit(
            f"{folder}: is an export of format {form}, which backend={backend!r} cannot run; "
            f"`protomtl export METHOD --format {backend} --to DIR` makes one that it can"
        )
    if form == "torch":
        from protomtl.inference.network import Network  # heavy

        return Network(folder, record, compute)
    if compute.device == "cuda" or compute.precision == "bf16":
        raise SystemExit(f"{folder}: format {form} computes on a CPU, in its own precision; leave device and precision")
    return opened(folder, record, compute.threads)


def exported(folder: str | Path) -> Path:
    """The folder, if it holds an export; else FileNotFoundError."""
    if not (Path(folder) / RECORD).is_file():
        raise FileNotFoundError(
            f"{folder}: no {RECORD} there; `protomtl export METHOD --to {folder}` makes such a folder"
        )
    return Path(folder)
