"""The task heads of the report's appendix, and how the embeddings of a pair become one vector."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from protomtl.model.readout import expected
from protomtl.model.settings import Heads
from protomtl.tasks.settings import Task

DROPOUT = 0.3


class SingleHead(nn.Module):
    """Dropout and one linear layer (Table 3): for one text, and for a pair that was encoded as one sequence.

    A pair that was encoded both ways round has the mean of both embeddings.
    """

    def __init__(self, width: int, outputs: int, spectral: bool = False) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(width, outputs)
        if spectral:
            parametrize.register_parametrization(self.linear, "weight", Spectral())

    def forward(self, *embeddings: Tensor) -> Tensor:
        """One or two [n, width] -> [n, outputs]."""
        output: Tensor = self.linear(self.features(*embeddings))
        return output

    def features(self, *embeddings: Tensor) -> Tensor:
        """[n, width] what the linear layer sees."""
        kept: Tensor = self.dropout(torch.stack(embeddings).mean(0))
        return kept


class Spectral(nn.Module):
    """A weight with largest singular value 1: of R4F (Aghajanyan et al. 2021, eq. 7), exact for heads so small."""

    def forward(self, weight: Tensor) -> Tensor:
        largest: Tensor = torch.linalg.matrix_norm(weight, 2)
        return weight / largest


def hidden_layers(width: int) -> nn.ModuleList:
    """A linear layer for each of the two sentences (rows 2 of Tables 4 and 5)."""
    return nn.ModuleList([nn.Linear(width, width), nn.Linear(width, width)])


class PairHead(nn.Module):
    """Dropout, a linear layer per sentence, their product, a linear layer (Tables 4 and 5).

    The poster's combinations put `add` or `concat` in the place of the product and, as read here, have
    no hidden layers (`hidden` None): they combine the embeddings themselves.
    """

    def __init__(
        self, width: int, outputs: int, combine: str, hidden: nn.ModuleList | None, spectral: bool = False
    ) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.hidden = hidden
        self.combine = combine
        self.linear = nn.Linear(2 * width if combine in ("concat", "relation") else width, outputs)
        if spectral:
            parametrize.register_parametrization(self.linear, "weight", Spectral())

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two [n, width] -> [n, outputs]."""
        output: Tensor = self.linear(self.features(a, b))
        return output

    def features(self, a: Tensor, b: Tensor) -> Tensor:
        """[n, width] or [n, 2 · width] what the last linear layer sees."""
        a, b = self.dropout(a), self.dropout(b)
        if self.hidden is not None:
            a, b = self.hidden[0](a), self.hidden[1](b)
        return combine_pair(a, b, self.combine)


def combine_pair(a: Tensor, b: Tensor, how: str) -> Tensor:
    """Product or sum [n, width]; concatenation, or what relates the two, [n, 2 · width].

    `relation`: [|u - v|, u · v] of both scaled to length 1 (after InferSent, Conneau et al. 2017). A sum says what a
    pair is about; this says whether its two texts agree.
    """
    match how:
        case "concat":
            return torch.cat([a, b], dim=1)
        case "relation":
            u, v = functional.normalize(a, dim=1), functional.normalize(b, dim=1)
            return torch.cat([(u - v).abs(), u * v], dim=1)
        case "mult":
            return a * b
        case _:
            return a + b


def class_vectors(parts: Sequence[Tensor], relation: bool) -> Tensor:
    """[n, width] of one text or of a pair as one sequence, or f(a) + f(b) of two texts (A.2); or what relates these
    two, [n, 2 · width]."""
    if relation and len(parts) == 2:
        return combine_pair(parts[0], parts[1], "relation")
    return torch.stack(list(parts)).sum(0)


class CosineHead(nn.Module):
    """low + (high - low) · relu(cos(a, b)): no parameters (report §4.2: 5 · relu(cosine) for STS)."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two [n, width] -> [n, 1]."""
        cosine = functional.relu(functional.cosine_similarity(a, b, dim=1))
        return (self.low + (self.high - self.low) * cosine)[:, None]


class ExpectedHead(nn.Module):
    """The mean Σ k p_k of the values that a head reads as classes: low, low + 1, …"""

    def __init__(self, classes: nn.Module, low: int) -> None:
        super().__init__()
        self.classes, self.low = classes, low

    def forward(self, *embeddings: Tensor) -> Tensor:
        """As the head of classes takes them -> [n, 1]."""
        return expected(self.classes(*embeddings).softmax(1), self.low)[:, None]


class JointHead(nn.Module):
    """Mean of two heads' outputs: of the pair as one sequence, in which the words of both texts meet, and of its two
    texts, whose embeddings stay comparable. The two err in different places."""

    def __init__(self, whole: nn.Module, parts: nn.Module) -> None:
        super().__init__()
        self.whole, self.parts = whole, parts

    def forward(self, pair: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Three [n, width] -> [n, outputs]."""
        output: Tensor = (self.whole(pair) + self.parts(a, b)) / 2
        return output


def build_heads(tasks: dict[str, Task], width: int, settings: Heads) -> nn.ModuleDict:
    """One head per task, as the settings of the method say."""
    spectral = settings.smoothness.spectral
    shared = hidden_layers(width) if settings.share_hidden else None

    def pair(task: Task, outputs: int) -> nn.Module:
        if not task.what.has_classes and settings.similarity == "cosine":
            return CosineHead(*task.bounds)
        hidden = (shared or hidden_layers(width)) if settings.hidden else None
        return PairHead(width, outputs, settings.combine, hidden, spectral)

    def of_encoding(how: str, task: Task, outputs: int) -> nn.Module:
        if how in ("concat", "both_ways"):
            return SingleHead(width, outputs, spectral)
        if how == "separate":
            return pair(task, outputs)
        return JointHead(SingleHead(width, outputs, spectral), pair(task, outputs))

    def build(name: str, task: Task) -> nn.Module:
        how = settings.encoding_of(name) if task.pair else "concat"
        if task.what.has_classes or settings.similarity != "expected":
            return of_encoding(how, task, task.outputs)
        return ExpectedHead(of_encoding(how, task, task.number_of_classes), task.what.class_of(task.bounds[0]))

    return nn.ModuleDict({attribute(name): build(name, task) for name, task in tasks.items()})


@cache
def attribute(task: str) -> str:
    """What a task's part is called in a module: its name, escaped where torch has a use of its own for it."""
    taken = any(hasattr(kind(), task) for kind in (nn.ModuleDict, nn.ParameterDict))
    if task and not taken and not task.startswith("%") and "." not in task:
        return task
    return "%" + task.replace("%", "%25").replace(".", "%2E")
