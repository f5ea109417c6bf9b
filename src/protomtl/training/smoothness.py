"""Outputs that stay where they are when the input is moved a little: R3F, R4F and SMART."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from protomtl.model.device import put
from protomtl.model.encoder import Encoder, embed_batch
from protomtl.model.heads import attribute
from protomtl.model.sequences import Sequences
from protomtl.tasks.settings import Task
from protomtl.tasks.tensors import divergence
from protomtl.training.settings import Smoothness

Outputs = dict[str, Tensor]


def divergences(
    encoder: Encoder,
    heads: nn.ModuleDict,
    tasks: Mapping[str, Task],
    groups: dict[str, list[Sequences]],
    outputs: Outputs,
    settings: Smoothness,
) -> Outputs:
    """For each task, how far its outputs move when the embeddings of the words do; to be added to its loss.

    outputs: of the heads for `groups`, unmoved. `r3f` moves them by normal noise (Aghajanyan et al. 2021, R3F, eq. 4);
    `smart` in the direction, within `radius` in each coordinate, in which the outputs move most, after one step of
    ascent (Jiang et al. 2020, eq. 4 and algorithm 1). `r4f` is r3f; its heads are normalised (heads.Spectral).
    """

    def moved(noise: Tensor) -> Outputs:
        parts = embed_batch(encoder, groups, noise)
        return {name: heads[attribute(name)](*parts[name]) for name in groups}

    tokens = sum(len(sequences.tokens) for group in groups.values() for sequences in group)
    width = encoder.network.get_input_embeddings().embedding_dim  # ALBERT's and ELECTRA's is not the encoder's
    noise = settings.radius * put(torch.randn(tokens, width), encoder.device)
    if settings.kind == "smart":
        noise.requires_grad_()
        still = {name: value.detach() for name, value in outputs.items()}
        found = moved(noise)
        total = torch.stack([divergence(tasks[name], still[name], found[name]) for name in groups]).sum()
        (gradient,) = torch.autograd.grad(total, noise)
        noise = ascended(noise.detach(), gradient, settings.radius)
    found = moved(noise)
    return {name: divergence(tasks[name], outputs[name], found[name]) for name in groups}


def ascended(noise: Tensor, gradient: Tensor, radius: float) -> Tensor:
    """One step of length `radius` up the gradient, in the maximum norm of each token, kept within `radius`."""
    largest = gradient.abs().amax(1, keepdim=True).clamp_min(1e-30)
    return (noise + radius * gradient / largest).clamp(-radius, radius)
