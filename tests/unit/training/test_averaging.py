"""The moving average of the weights."""

import torch

from protomtl.training import averaging


def test_the_average_follows_the_weights() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    average = averaging.begin({"w": weight}, 0.9)
    seen = []
    for done in range(1, 101):
        with torch.no_grad():
            weight.fill_(1.0)
        averaging.update(average, {"w": weight}, 0.9, done)
        seen.append(average["w"].item())
    assert round(seen[0], 6) == 0.9  # the first step's decay is 1/10: what came before any training counts little
    slow = 0.0
    for done in range(1, 101):
        decay = min(0.9, done / (done + 9))
        slow = decay * slow + (1 - decay) * 1.0
    assert abs(seen[-1] - slow) < 1e-6


def test_in_its_place_and_back() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    average = {"w": torch.tensor([5.0])}
    with averaging.averaged_weights(average, {"w": weight}):
        assert weight.item() == 5.0
    assert weight.item() == 1.0 and average["w"].item() == 5.0


def test_without_averaging_there_is_nothing() -> None:
    weights = {"w": torch.ones(1)}
    assert averaging.begin(weights, 0.0) == {}
    with averaging.averaged_weights({}, weights):
        assert weights["w"].item() == 1.0
