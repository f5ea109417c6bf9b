"""Calling steps as functions in the current folder."""

from protomtl import config, steps


def run_steps(*names: str) -> None:
    for name in names:
        steps.run(name)


def run_method(method: str, *names: str, seed: int = 1) -> None:
    """Run steps of one method, by default all three."""
    for name in names or ("pretrain", "finetune", "evaluate"):
        steps.run(name, method, seed)


def run_all(methods: list[str] | None = None) -> None:
    """The whole pipeline without an engine."""
    run_steps("download", "backbone", "prepare", "tokenize")
    for seed in config.load().seeds:
        for method in methods or config.load().methods:
            run_method(method, seed=seed)
    run_steps("embed", "export", "tables", "ensemble", "report", "figures")
