"""Calling steps as functions in the current folder."""

from protomtl import params
from protomtl.core import runner

UNTRAINED = ("download", "backbone", "prepare", "tokens", "perturb")
AFTER = ("embed", "export", "collect", "tables", "ensemble", "report", "figures")


def run_steps(*names: str) -> None:
    for name in names:
        runner.run(name)


def run_method(method: str, *names: str, seed: int = 1) -> None:
    """Run steps of one method, by default all four."""
    for name in names or ("pretrain", "finetune", "evaluate", "stress"):
        runner.run(name, method, seed)


def run_all(methods: list[str] | None = None) -> None:
    """The whole pipeline without an engine."""
    run_steps(*UNTRAINED)
    for seed in params.load().seeds:
        for method in methods or params.load().methods:
            run_method(method, seed=seed)
    run_steps(*AFTER)
