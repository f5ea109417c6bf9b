"""How the tasks' gradients become one: weights of each, from their inner products alone.

`pcgrad` is ours (pcgrad.py). The others are torchjd's weightings, of the extra of that name: UPGrad (Quinton and Rey
2024), CAGrad (Liu et al. 2021a), Aligned-MTL (Senushkin et al. 2023), IMTL-G (Liu et al. 2021b), GradVac (Wang et al.
2021) and random weights (Lin et al. 2022).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from protomtl.core.errors import first_line
from protomtl.training import pcgrad

Combine = Callable[[Tensor], Tensor]  # inner products [tasks, tasks] -> how much of each gradient is in the sum [tasks]

RADIUS = 0.4  # of CAGrad, as its authors have it
WEIGHTINGS: dict[str, Callable[[Any], nn.Module]] = {
    "upgrad": lambda torchjd: torchjd.UPGradWeighting(),
    "cagrad": lambda torchjd: torchjd.CAGradWeighting(c=RADIUS),
    "aligned_mtl": lambda torchjd: torchjd.AlignedMTLWeighting(),
    "imtl_g": lambda torchjd: torchjd.IMTLGWeighting(),
    "gradvac": lambda torchjd: torchjd.GradVacWeighting(),
    "random": lambda torchjd: torchjd.RandomWeighting(),
}
MEANS = ("upgrad", "cagrad", "aligned_mtl", "imtl_g", "random")  # equal weights are 1 / tasks, not 1


class Weighted(nn.Module):
    """A weighting of torchjd, on the scale of a sum: gradients that do not conflict are added up, as by `sum`.

    A module, since GradVac remembers how alike gradients were: its state is saved with the training's. Random orders
    and weights are drawn from torch's generator, which the training loop seeds for each step.
    """

    def __init__(self, name: str, tasks: int) -> None:
        super().__init__()
        try:
            from torchjd import aggregation  # an extra

            self.weighting = WEIGHTINGS[name](aggregation)
        except ImportError as error:
            needs = "needs `pip install 'protomtl[torchjd]'`"
            raise SystemExit(f"params.yaml: gradients: {name}: {needs} ({first_line(error)})") from None
        self.scale = tasks if name in MEANS else 1
        self.weighting(torch.eye(tasks, dtype=torch.float64))  # what it remembers is there from the beginning

    def forward(self, products: Tensor) -> Tensor:
        """Inner products [tasks, tasks] float64 -> [tasks]."""
        found: Tensor = self.scale * self.weighting(products)
        return found


def combiner(name: str, tasks: int) -> Combine | None:
    """What `gradients: NAME` stands for; None for their plain sum. SystemExit without the library that it needs."""
    if name == "sum":
        return None
    return pcgrad.coefficients if name == "pcgrad" else Weighted(name, tasks)
