"""The task heads of the report's appendix, their losses and their predictions."""

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

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
        output: Tensor = self.linear(self.dropout(torch.stack(embeddings).mean(0)))
        return output


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
        self.linear = nn.Linear(2 * width if combine == "concat" else width, outputs)
        if spectral:
            parametrize.register_parametrization(self.linear, "weight", Spectral())

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two [n, width] -> [n, outputs]."""
        a, b = self.dropout(a), self.dropout(b)
        if self.hidden is not None:
            a, b = self.hidden[0](a), self.hidden[1](b)
        output: Tensor = self.linear(combine_pair(a, b, self.combine))
        return output


def combine_pair(a: Tensor, b: Tensor, how: str) -> Tensor:
    """Product or sum [n, width], or concatenation [n, 2 · width]."""
    if how == "concat":
        return torch.cat([a, b], dim=1)
    return a * b if how == "mult" else a + b


class CosineHead(nn.Module):
    """low + (high - low) · relu(cos(a, b)): no parameters (report §4.2: 5 · relu(cosine) for STS)."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Two [n, width] -> [n, 1]."""
        cosine = functional.relu(functional.cosine_similarity(a, b, dim=1))
        return (self.low + (self.high - self.low) * cosine)[:, None]


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

    def single(task: Task) -> nn.Module:
        return SingleHead(width, task.outputs, spectral)

    def pair(task: Task) -> nn.Module:
        if not task.what.has_classes and settings.similarity == "cosine":
            return CosineHead(*task.bounds)
        hidden = (shared or hidden_layers(width)) if settings.hidden else None
        return PairHead(width, task.outputs, settings.combine, hidden, spectral)

    def build(name: str, task: Task) -> nn.Module:
        how = settings.encoding_of(name) if task.pair else "concat"
        if how in ("concat", "both_ways"):
            return single(task)
        return pair(task) if how == "separate" else JointHead(single(task), pair(task))

    return nn.ModuleDict({attribute(name): build(name, task) for name, task in tasks.items()})


@cache
def attribute(task: str) -> str:
    """What a task's part is called in a module: its name, escaped where torch has a use of its own for it."""
    taken = any(hasattr(kind(), task) for kind in (nn.ModuleDict, nn.ParameterDict))
    if task and not taken and not task.startswith("%") and "." not in task:
        return task
    return "%" + task.replace("%", "%25").replace(".", "%2E")
