"""A training of a small network against the same one written out, step by step, in plain arithmetic."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from protomtl.model.seeding import seed_torch
from protomtl.training import loop, sampling
from protomtl.training.optimizer import learning_rate
from protomtl.training.sampling import Batches
from protomtl.training.settings import Finetune
from protomtl.training.weighting import fixed
from tests.unit.training.test_loop import settings

X, Y = torch.randn(12, 3, generator=torch.Generator().manual_seed(1)), torch.linspace(-2, 2, 12)
SIZES, CLASSES = {"a": 12, "b": 5}, {"a": np.arange(12) % 3, "b": np.zeros(5, int)}
WEIGHTS, OWN = {"a": 0.5}, {"head.bias": 0.05}
BETAS, EPS = (0.9, 0.999), 1e-8


class Net(nn.Module):
    """Its gradient is another in each step, and it drops out."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder, self.head = nn.Linear(3, 4), nn.Linear(4, 1)

    def losses(self, rows: Batches) -> dict[str, Tensor]:
        hidden = {
            name: functional.dropout(self.encoder(X[own]).tanh(), 0.4, self.training) for name, own in rows.items()
        }
        return {name: (self.head(own)[:, 0] - Y[rows[name]]).square().mean() for name, own in hidden.items()}


def written_out(chosen: Finetune) -> tuple[dict[str, Tensor], list[tuple[float, float]]]:
    """The average of the weights behind all steps; of each step the encoder's rate and the weighted loss."""
    net, curve = Net().train(), []
    now = {name: value.detach().clone() for name, value in net.named_parameters()}
    mean, first, second = ({name: scale * value for name, value in now.items()} for scale in (1, 0, 0))
    steps = chosen.steps_per_epoch
    total = steps * chosen.epochs
    for done in range(total):
        net.load_state_dict(now)
        seed_torch(1, "net", "dropout", done)
        rows = sampling.draw(SIZES, chosen, 1, done // steps, done % steps, steps, CLASSES)
        each = net.losses(rows)
        loss = 0.5 * each["a"] + each["b"]
        gradient = dict(zip(now, torch.autograd.grad(loss, [*net.parameters()]), strict=True))
        length = sum(float(g.square().sum()) for g in gradient.values()) ** 0.5
        share = learning_rate(chosen, done, total)
        for name, g in gradient.items():
            g = g * min(1, chosen.clip_norm / length)
            rate = share * (OWN.get(name) or (chosen.lr if name.startswith("encoder.") else chosen.head_lr))
            first[name] = BETAS[0] * first[name] + (1 - BETAS[0]) * g
            second[name] = BETAS[1] * second[name] + (1 - BETAS[1]) * g**2
            middle, spread = (
                m / (1 - b ** (done + 1)) for m, b in zip((first[name], second[name]), BETAS, strict=True)
            )
            now[name] = now[name] * (1 - rate * chosen.weight_decay) - rate * middle / (spread.sqrt() + EPS)
            decay = min(chosen.averaging, (done + 1) / (done + 10))
            mean[name] = decay * mean[name] + (1 - decay) * now[name]
        curve.append((share * chosen.lr, loss.item()))
    return mean, curve


@pytest.mark.parametrize("sampled", ["longest", "episodes"])
def test_a_training_is_the_one_written_out_wherever_it_is_interrupted(sampled: str, tmp_path: Path) -> None:
    chosen = settings(
        sampling=sampled, lr=0.02, head_lr=0.03, weight_decay=0.1, clip_norm=0.7, warmup=0.3, averaging=0.6
    )
    mean, curve = written_out(chosen)
    for stop in (None, 2, 5):
        net, seen = Net().eval(), 0

        def losses(rows: Batches, net: Net = net, stop: int | None = stop) -> dict[str, Tensor]:
            nonlocal seen
            seen += 1
            if seen == stop:
                raise KeyboardInterrupt
            return net.losses(rows)

        objective = loop.Objective(net, losses, fixed(WEIGHTS), OWN, CLASSES)
        folder = tmp_path / f"{stop}"
        folder.mkdir()
        with suppress(KeyboardInterrupt):
            loop.train("net", objective, SIZES, chosen, 1, folder)
        net.load_state_dict(Net().state_dict())
        result = loop.train("net", objective, SIZES, chosen, 1, folder)
        assert [point["lr"] for point in result.curves.train] == pytest.approx([rate for rate, _ in curve])
        assert [point["loss"] for point in result.curves.train] == pytest.approx([loss for _, loss in curve], abs=2e-6)
        for name, value in net.named_parameters():
            torch.testing.assert_close(value.detach(), mean[name], rtol=1e-4, atol=1e-6)
