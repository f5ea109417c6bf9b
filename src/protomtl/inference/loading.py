"""Opening what `protomtl export` wrote, in a folder or on the hub."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from protomtl.backends.opening import opened
from protomtl.backends.whole import FILES, check
from protomtl.core.files import read_json
from protomtl.core.paths import RECORD
from protomtl.core.sections import validate
from protomtl.inference import hub
from protomtl.inference.export_files import MAY_LACK, form_of
from protomtl.inference.model import Model
from protomtl.model.settings import Compute

BACKENDS = ("auto", "torch", "onnx", "static")


def load(
    folder: str | Path,
    *,
    revision: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    precision: Literal["auto", "bf16", "fp32"] = "fp32",
    threads: int = 1,
    backend: Literal["auto", "torch", "onnx", "static"] = "auto",
) -> Model:
    """Load what `protomtl export` wrote.

    folder: or a name ORG/NAME of the Hugging Face hub; a folder of that name wins. revision: a branch, tag or commit
    there, which may also stand behind the name: ORG/NAME@REVISION. Of a repository only safetensors, graphs of ONNX,
    JSON and text of an export are fetched. Standard error has size and commit first, `Model.origin` has the commit.
    backend: what must run it; auto is what the folder was exported for. Only torch needs torch. precision: fp32 gives
    the vectors that other loaders of the folder give; auto is faster where the hardware multiplies bf16. threads: of a
    CPU. Raises FileNotFoundError, with what to do, if the folder holds no export, OSError for what the hub does not
    give, and ValueError if what is there is damaged, does not fit together, or is not for this backend.
    """
    options = {"device": device, "precision": precision, "threads": threads, "processes": 1}
    try:
        compute = validate("protomtl.load", Compute, options)
        if backend not in BACKENDS:
            raise SystemExit(f"backend={backend!r}: must be one of {', '.join(BACKENDS)}")
        return opened_model(*exported(folder, revision, backend), compute, backend)
    except SystemExit as error:  # a step ends by it; a user's program goes on
        raise ValueError(str(error.code).replace("params.yaml: compute.", "protomtl.load: ")) from None


def load_alone(folder: str | Path, **options: Any) -> Model:
    """`load` for a process that is there for this model only: torch is set up for it, where torch runs it."""
    model = load(folder, **options)
    if compute := getattr(model.network, "compute", None):
        from protomtl.model.encoder import settle  # heavy

        settle(compute)
    return model


def opened_model(folder: Path, origin: str, compute: Compute, backend: str) -> Model:
    """The model of an exported folder. SystemExit for one that is damaged, or not for this backend."""
    try:
        record = read_json(folder / RECORD)
        if not isinstance(record, dict):
            raise TypeError(f"it is {record!r:.40}")
        check(folder, record)
        refuse_added(folder, record)
        return Model(folder, record, network_of(folder, record, compute, backend), origin)
    except (KeyError, TypeError, AttributeError, ValidationError) as error:
        said = str(error) if isinstance(error, ValidationError) else repr(error)
        raise SystemExit(f"{folder / RECORD}: this is no record of an export: {' '.join(said.split()):.200}") from None


def refuse_added(folder: Path, record: Mapping[str, Any]) -> None:
    """SystemExit for a file that would be read, and is of another export: reasons of other vectors, say."""
    known = record.get(FILES)
    if known is None:  # an older export
        return
    for pattern in MAY_LACK:
        for path in sorted(folder.glob(pattern)):
            if path.relative_to(folder).as_posix() not in known:
                raise SystemExit(f"{path}: is of another export than the rest; remove it, or export the model again")


def network_of(folder: Path, record: dict[str, Any], compute: Compute, backend: str) -> Any:
    """What runs an export. SystemExit if that is not the backend that is asked for, or what it lies in is damaged."""
    refuse_other(str(folder), record, backend)
    form = record.get("format", "torch")
    if form == "torch":
        from protomtl.inference.network import Network  # heavy

        return Network(folder, record, compute)
    if compute.device == "cuda" or compute.precision == "bf16":
        raise SystemExit(f"{folder}: format {form} computes on a CPU, in its own precision; leave device and precision")
    return opened(folder, record, compute.threads)


def refuse_other(name: str, record: Mapping[str, Any], backend: str) -> None:
    """SystemExit for an export that is not for this backend."""
    if backend not in ("auto", form_of(record)):
        raise SystemExit(
            f"{name}: is an export of format {record.get('format', 'torch')}, which backend={backend!r} cannot run; "
            f"`protomtl export METHOD --format {backend} --to DIR` makes one that it can"
        )


def exported(model: str | Path, revision: str | None = None, backend: str = "auto") -> tuple[Path, str]:
    """The folder of an export, fetched if it is one of the hub, and where it is from: the folder, or
    ORG/NAME@COMMIT. FileNotFoundError for a folder without one."""
    if wanted := hub.place(model, revision):
        path = hub.fetched(wanted, lambda record: refuse_other(str(wanted), record, backend))
        return path, f"{wanted.repository}@{path.name}"
    if Path(model).is_file():
        raise FileNotFoundError(f"{model}: is a file; name the folder that `protomtl export` wrote")
    if not str(model).strip():
        raise FileNotFoundError(f"{model!r}: names no folder; name one that `protomtl export` wrote")
    if not (Path(model) / RECORD).is_file():
        raise FileNotFoundError(
            f"{model}: no {RECORD} there; `protomtl export METHOD --to {model}` makes such a folder"
        )
    return Path(model), str(model)
