"""Resumable training state: outside all outputs, one folder per run, keyed by all that the result depends on."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from protomtl.core.files import digest_folder, digest_of, remove, sha256
from protomtl.core.locks import held
from protomtl.core.paths import STATE, TOKENS
from protomtl.model import checked_tensors, distributed
from protomtl.model.checked_tensors import Damaged
from protomtl.model.checkpoint import resolved
from protomtl.model.libraries import versions
from protomtl.model.multitask import trained_parameters
from protomtl.model.settings import Compute
from protomtl.training.curves import Points


@contextmanager
def exclusive(stage: str, method: str, seed: int, *inputs: Any) -> Iterator[Path]:
    """The state folder of one run, held alone; it depends on `inputs` and on the code. Other states of the run go.

    A second trainer of the same stage, method and seed is refused, also when a killed engine left the first alive.
    Of several processes the main one holds it, and the others wait until it does.
    """
    key = digest_of(inputs, code())
    run = STATE / stage / f"{method}-seed{seed}"
    if not distributed.is_main():
        distributed.wait()
        if not (run / key).is_dir():
            raise SystemExit(
                f"{stage} {method} seed {seed}: the first of its processes has another precision, other libraries or "
                "other code; name compute.precision in params.yaml, and use one environment"
            )
        yield run / key
        return
    run.mkdir(parents=True, exist_ok=True)
    with held(run / "lock") as ours:
        if not ours:
            raise SystemExit(f"{stage} {method} seed {seed}: another process is training it ({run / 'lock'})")
        for old in run.iterdir():
            if old.name not in ("lock", key):
                remove(old)
        (run / key).mkdir(exist_ok=True)
        distributed.wait()
        yield run / key


def inputs(encoder: Path, compute: Compute) -> list[Any]:
    """What a result depends on beside its record: tokens, the encoder that it starts from, computation, libraries."""
    return [digest_folder(TOKENS), digest_folder(encoder), compute.model_dump(), resolved(compute), versions()]


def code() -> dict[str, str]:
    """Digest of each loaded module of this package: training must not go on with other code than it began with."""
    package = __name__.partition(".")[0]
    loaded = {name: module.__file__ for name, module in sys.modules.items() if name.startswith(f"{package}.")}
    return {name: sha256(Path(file)) for name, file in sorted(loaded.items()) if file}


def save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    progress: dict[str, Any],
    average: Mapping[str, Tensor] | None = None,
    curves: Mapping[str, Points] | None = None,
) -> None:
    """Write weights, their average, optimiser moments, curves and progress as one safetensors file, atomically.

    Processes of one training are alike: the main one writes.
    """
    if not distributed.is_main():
        return
    tensors = {f"model.{name}": value for name, value in resumable_tensors(model).items()}
    tensors |= {f"average.{name}": value for name, value in (average or {}).items()}
    if optimizer is not None:
        for number, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    tensors |= curve_tensors(curves or {})
    checked_tensors.save(path, tensors, progress)


def load(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    average: Mapping[str, Tensor] | None = None,
) -> dict[str, Any]:
    """Restore what `save` wrote, `average` in place; returns the progress, with the curves as `curves`. Damaged, and
    nothing restored, if it is."""
    progress: dict[str, Any]
    progress, tensors = checked_tensors.read(path)
    own = strip_prefix("model.", tensors)
    if shapes(own) != shapes(resumable_tensors(model)) or shapes(strip_prefix("average.", tensors)) != shapes(average):
        raise Damaged(f"{path}: does not fit the model")
    model.load_state_dict(own, strict=False)
    for name, value in (average or {}).items():
        value.copy_(tensors[f"average.{name}"])
    if optimizer is not None:
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in strip_prefix("optimizer.", tensors).items():
            number, moment = name.split(".")
            state.setdefault(int(number), {})[moment] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return progress | {"curves": curve_points(strip_prefix("curves.", tensors))}


def curve_tensors(curves: Mapping[str, Points]) -> dict[str, Tensor]:
    """A tensor for each column of each curve, however long: a header of safetensors may not have more than 100 MB."""
    return {
        f"curves.{curve}.{place}.{column}": torch.tensor(
            [point[column] for point in points], dtype=kind(points, column)
        )
        for curve, points in curves.items()
        for place, column in enumerate(points[0] if points else ())
    }


def kind(points: Points, column: str) -> torch.dtype:
    """That of Python's own numbers, so that the same ones come back."""
    return torch.int64 if all(type(point[column]) is int for point in points) else torch.float64


def curve_points(tensors: Mapping[str, Tensor]) -> dict[str, Points]:
    """What `curve_tensors` was given, but curves without a point."""
    found: dict[str, dict[int, tuple[str, list[float]]]] = {}
    for name, values in tensors.items():
        curve, place, column = name.split(".", 2)
        found.setdefault(curve, {})[int(place)] = (column, values.tolist())
    return {
        curve: [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]
        for curve, columns in found.items()
        for names, lists in [zip(*(columns[place] for place in sorted(columns)), strict=True)]
    }


def set_aside(error: Damaged, *paths: Path) -> None:
    """Keep damaged files under another name, with a line that says so; training starts anew."""
    for path in filter(os.path.lexists, paths):
        remove(aside := path.with_name(f"{path.name}.damaged"))
        path.replace(aside)
    print(f"{error}; set aside as *.damaged, training starts from the beginning", file=sys.stderr, flush=True)


def shapes(tensors: Mapping[str, Tensor] | None) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in (tensors or {}).items()}


def strip_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def resumable_tensors(model: nn.Module) -> dict[str, Tensor]:
    """All tensors that training changes: the trained parameters, and what a method remembers in buffers."""
    remembered = model.state_dict().keys() & dict(model.named_buffers()).keys()
    return trained_parameters(model) | {name: value for name, value in model.named_buffers() if name in remembered}
