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
from torch import Tensor, nn
from torch.nn.utils import parametrize

from protomtl.core.files import remove
from protomtl.core.paths import ONNX, READOUT
from protomtl.model import readout
from protomtl.model.heads import attribute
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.pretrained import open_network
from protomtl.model.prototypes import pairwise_similarity
from protomtl.tasks.settings import Task

INPUTS, VECTOR = ("input_ids", "attention_mask", "token_type_ids"), "sentence_embedding"
TORCH_ONLY = (
    *("model.safetensors", "heads.safetensors", READOUT, "modules.json", "1_Pooling", "2_Dense"),
    *("sentence_bert_config.json", "config_sentence_transformers.json"),
)


class Pooled(nn.Module):
    """transformers' encoder with its pooling: token numbers in, the states of the tokens and one vector out."""

    def __init__(self, network: Any, pooling: str) -> None:
        super().__init__()
        self.network, self.pooling = network, pooling

    def forward(self, ids: Tensor, mask: Tensor, types: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """[n, tokens] each -> [n, tokens, width] and [n, width]."""
        kinds = {} if types is None else {"token_type_ids": types}
        output = self.network(input_ids=ids, attention_mask=mask, **kinds)
        hidden: Tensor = output.last_hidden_state
        if self.pooling == "pooler":
            return hidden, output.pooler_output
        weights = mask[..., None].to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1)
        return hidden, hidden[:, 0] if self.pooling == "cls" else mean


class ByPrototypes(nn.Module):
    """A task's embeddings in, probabilities by prototypes with prior and scale out; of values their mean."""

    def __init__(self, model: MultiTaskModel, name: str, task: Task, found: readout.Readout) -> None:
        super().__init__()
        self.vectors, self.name, self.task, self.found = model.readout_vectors, name, task, found

    def forward(self, *parts: Tensor) -> Tensor:
        """One to three [n, width] -> [n, classes] or [n, 1]."""
        near = self.nearness(self.vectors(self.name, parts))
        likely = (self.found.scale * near + self.found.log_prior).softmax(1)
        if self.task.what.has_classes:
            return likely
        return readout.expected(likely, self.task.what.class_of(self.task.bounds[0]))[:, None]

    def nearness(self, vectors: Tensor) -> Tensor:
        """[n, k] as `pairwise_similarity` gives it; ONNX has no word for torch's own distances."""
        if self.found.distance == "cosine":
            return pairwise_similarity(vectors, self.found.prototypes, "cosine")
        square = (vectors[:, None] - self.found.prototypes).square().sum(2)
        return -(square if self.found.distance == "squared_euclidean" else square.sqrt())


class Given1(nn.Module):
    """The exporter wants each input by its name, so there is one of these for each number of inputs."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, part0: Tensor) -> Any:
        return self.module(part0)


class Given2(Given1):
    def forward(self, part0: Tensor, part1: Tensor) -> Any:  # type: ignore[override]
        return self.module(part0, part1)


class Given3(Given1):
    def forward(self, part0: Tensor, part1: Tensor, part2: Tensor) -> Any:  # type: ignore[override]
        return self.module(part0, part1, part2)


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
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
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
