"""What each task's loss weighs in the sum: fixed numbers, or learned ones."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from protomtl.model.heads import attribute
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import MEANINGS

Weigh = Callable[[Mapping[str, Tensor]], list[Tensor]]  # the loss of each task -> the terms of the sum


def fixed(weights: Mapping[str, float]) -> Weigh:
    """A number for each task; 1 for a task that is not named."""
    return lambda losses: [weights.get(task, 1.0) * loss for task, loss in losses.items()]


class Uncertainty(nn.Module):
    """Weights from homoscedastic uncertainty (Kendall, Gal and Cipolla 2018, eq. 10).

    Each task has a learned log σ². A class task's term is loss / σ² + log σ; the squared error of a regression
    task is divided by 2 σ². Losses of equal size begin with equal weights, but for that half.
    """

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.log_variance = nn.ParameterDict({attribute(name): nn.Parameter(torch.zeros(())) for name in tasks})
        self.scale = {name: MEANINGS[task.kind].term_scale for name, task in tasks.items()}

    def forward(self, losses: Mapping[str, Tensor]) -> list[Tensor]:
        return [self.term(task, loss) for task, loss in losses.items()]

    def term(self, task: str, loss: Tensor) -> Tensor:
        log_variance = self.log_variance[attribute(task)]
        found: Tensor = torch.exp(-log_variance) * loss * self.scale[task] + 0.5 * log_variance
        return found
