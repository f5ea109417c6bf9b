"""Which edit of code re-runs which stages: docs/concepts/pipeline.md shows it, tests prove it."""

RERUNS: dict[str, set[str]] = {  # a file of src/protomtl -> the stages that depend on its room
    "training/settings.py": {"pretrain", "finetune"},
    "model/settings.py": {"pretrain", "finetune", "evaluate", "embed", "export"},
    "pretraining/prototypical.py": {"pretrain"},
    "steps/embed/settings.py": {"embed"},
    "steps/export/settings.py": {"export"},
    "data/starter.py": {"prepare"},
    "params.py": set(),
    "training/resume.py": {"pretrain", "finetune"},
    "training/weighting.py": {"pretrain", "finetune"},
    "analysis/bootstrap.py": {"tables", "export", "report", "figures"},
    "metrics.py": {"finetune", "evaluate", "ensemble", "export"},
    "__init__.py": set(),
    "cli.py": set(),
    "commands/predict.py": set(),
}
