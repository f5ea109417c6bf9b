"""Which edit of code re-runs which stages: docs/concepts/pipeline.md shows it, tests prove it."""

RERUNS: dict[str, set[str]] = {  # a file of src/protomtl -> the stages that depend on its room
    "training/settings.py": {"pretrain", "finetune"},
    "model/settings.py": {"pretrain", "finetune", "evaluate", "stress", "embed", "export"},
    "pretraining/prototypical.py": {"pretrain"},
    "steps/embed/settings.py": {"embed"},
    "steps/export/settings.py": {"export"},
    "data/starter.py": {"prepare", "perturb"},
    "perturbations/noise.py": {"perturb"},
    "params.py": set(),
    "training/resume.py": {"pretrain", "finetune"},
    "training/weighting.py": {"pretrain", "finetune"},
    "analysis/bootstrap.py": {"tables", "export", "report", "figures"},
    "seeds.py": {
        *("prepare", "perturb", "pretrain", "finetune", "evaluate", "stress"),
        *("embed", "export", "tables", "report"),
    },
    "metrics.py": {"finetune", "evaluate", "tables", "ensemble", "export", "report"},
    "calibration.py": {"export", "report"},
    "__init__.py": set(),
    "cli.py": set(),
    "commands/predict.py": set(),
}
