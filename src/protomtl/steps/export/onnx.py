"""An exported folder as ONNX: encoder, heads and prototypes as graphs that onnxruntime runs without torch.

torch's own exporter writes them. int8 is onnxruntime's dynamic quantisation of the encoder: weights are stored as
whole numbers, activations are rounded as they come; heads and prototypes stay as they are.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from protomtl.backends.onnx import VECTOR, runtime
from protomtl.core.files import remove
from protomtl.core.paths import ONNX, READOUT
from protomtl.model import readout
from protomtl.model.heads import attribute
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.pretrained import open_network
from protomtl.steps.export.onnx_modules import ByPrototypes, Given1, Given2, Given3, Pooled
from protomtl.tasks.settings import Task

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
TORCH_ONLY = (
    *("model.safetensors", "heads.safetensors", READOUT, "modules.json", "1_Pooling", "2_Dense"),
    *("sentence_bert_config.json", "config_sentence_transformers.json"),
)


def write(folder: Path, model: MultiTaskModel, tasks: dict[str, Task], int8: bool) -> None:
    """Put the graphs of a built export into its folder `onnx`, in the place of what torch alone reads.

    SystemExit without the packages of the extra `onnx`.
    """
    check_packages()
    target = folder / ONNX
    for part in ("heads", "readouts"):
        (target / part).mkdir(parents=True)
    with quietly():
        write_encoder(folder, model.encoder.pooling, target / "model.onnx")
        if int8:
            quantise(target / "model.onnx")
        found = readout.load(folder / READOUT, tasks)
        for name, task in tasks.items():
            parts = groups(model, name, task)
            head = plain(model.heads[attribute(name)].eval())
            write_graph(head, parts, model.encoder.width, target / f"heads/{name}.onnx")
            if name in found:
                by = ByPrototypes(model, name, task, found[name])
                write_graph(by, parts, model.encoder.width, target / f"readouts/{name}.onnx")
    for name in TORCH_ONLY:
        remove(folder / name)


def check_packages() -> None:
    try:
        runtime()  # before all that may import it
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise SystemExit(
            f"protomtl export --format onnx: {error.name} is missing: pip install 'protomtl[onnx]'"
        ) from None


def groups(model: MultiTaskModel, name: str, task: Task) -> int:
    """How many embeddings a row of a task has."""
    if not task.pair:
        return 1
    return {"concat": 1, "both_ways": 2, "separate": 2, "joint": 3}[model.settings.encoding_of(name)]


def plain(head: nn.Module) -> nn.Module:
    """A head with its normalised weights as they are: the exporter has no word for what makes them."""
    for module in head.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
    return head


def write_encoder(folder: Path, pooling: str, path: Path) -> None:
    network = open_network(folder).eval()
    network.set_attn_implementation("eager")
    several = getattr(network.config, "type_vocab_size", 0) > 1
    names = INPUTS if several else INPUTS[:2]
    example = (  # texts of different lengths
        torch.tensor([[5, 6, 7], [5, 6, 0]]),
        torch.tensor([[1, 1, 1], [1, 1, 0]]),
        torch.zeros((2, 3), dtype=torch.int64),
    )
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens")
    shapes = tuple({0: rows, 1: tokens} for _ in names)
    save(Pooled(network, pooling), example[: len(names)], shapes, names, ("last_hidden_state", VECTOR), path)


def write_graph(module: nn.Module, parts: int, width: int, path: Path) -> None:
    """A module that takes `parts` embeddings [n, width]."""
    names = tuple(f"part{k}" for k in range(parts))
    example = tuple(torch.randn(2, width) for _ in names)
    rows = torch.export.Dim("rows")
    given = (Given1, Given2, Given3)[parts - 1](module)
    save(given, example, ({0: rows},) * parts, names, ("outputs",), path)


def save(module: nn.Module, example: Any, shapes: Any, names: Any, outputs: Any, path: Path) -> None:
    with torch.no_grad():
        program = torch.onnx.export(
            module.eval(),
            example,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=names,
            output_names=outputs,
            verbose=False,
        )
    assert program is not None  # noqa: S101  # for the type checker: only the older exporter gives none
    program.save(str(path))


def quantise(path: Path) -> None:
    """The weights of matrix products and embeddings as int8, one scale a column."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_suffix(".fp32.onnx")
    path.rename(whole)
    quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
    for left in path.parent.glob(f"{whole.name}*"):
        left.unlink()


@contextmanager
def quietly() -> Iterator[None]:
    """Without what the libraries say to their own authors."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
