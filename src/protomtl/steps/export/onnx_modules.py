"""What is written as graphs of ONNX: the encoder with its pooling, and a task's answer by prototypes."""

from typing import Any

from torch import Tensor, nn

from protomtl.model import readout
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.prototypes import pairwise_similarity
from protomtl.tasks.settings import Task


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
