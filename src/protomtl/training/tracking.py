"""PROTOMTL_TRACK: the curves of trainings in TensorBoard, Trackio or Weights & Biases, by their own libraries.

A variable and no parameter: it changes no result, so that nothing runs again for it.
"""

import importlib.util
import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from protomtl.core.paths import STATE
from protomtl.core.settings import instead

if TYPE_CHECKING:
    from protomtl.training.curves import Points  # with torch, which whoever only asks for the tracker need not have

VARIABLE = "PROTOMTL_TRACK"
FOLDER = STATE / "track"  # of TensorBoard's and wandb's files
PROJECT = "protomtl"


class View(NamedTuple):
    """Where points are shown: `show(curve, points)` takes new ones of the curve `train` or `dev`."""

    show: Callable[[str, "Points"], None]
    close: Callable[[], None]


class Run(NamedTuple):
    """A training, as trackers know it."""

    stage: str
    name: str  # METHOD-seedN
    key: str  # other parameters, other key
    config: Mapping[str, Any]
    done: int  # steps that were done before, where a training goes on
    steps: int  # of an epoch

    def step(self, point: Mapping[str, float]) -> int:
        """Where a point stands: those of dev say their epoch only."""
        return int(point["step"] if "step" in point else point["epoch"] * self.steps)


def chosen() -> str | None:
    """The library that the variable names. SystemExit for one that is unknown or not installed."""
    name = os.environ.get(VARIABLE)
    if not name:
        return None
    if name not in OPEN:
        raise SystemExit(f"{VARIABLE}={name}: no such tracker{instead(name, OPEN)}")
    if importlib.util.find_spec(name) is None:
        raise SystemExit(f"{VARIABLE}={name}: needs `pip install 'protomtl[{name}]'`")
    return name


def figures(curve: str, point: Mapping[str, float]) -> dict[str, float]:
    """`train/loss`, `dev/overall` and so on: all of a point but where it stands."""
    return {f"{curve}/{name}": value for name, value in point.items() if name not in ("step", "epoch")}


def tensorboard(run: Run) -> View:
    """Event files. What a killed training wrote behind its saved step does not count any more."""
    from torch.utils.tensorboard import SummaryWriter

    folder = FOLDER / "tensorboard" / run.stage / run.name / run.key
    writer = SummaryWriter(folder, purge_step=run.done + 1, flush_secs=10)
    writer.add_text("parameters", f"```\n{json.dumps(run.config, indent=2)}\n```", run.done)

    def show(curve: str, points: "Points") -> None:
        for point in points:
            for name, value in figures(curve, point).items():
                writer.add_scalar(name, value, run.step(point))

    return View(show, writer.close)


def trackio(run: Run) -> View:
    """Trackio's own database of this user, which `trackio show` reads."""
    import trackio

    hardware = {"auto_log_cpu": False, "auto_log_gpu": False}
    resume = "allow" if run.done else "never"
    opened = trackio.init(PROJECT, run.name, group=run.stage, config=dict(run.config), resume=resume, **hardware)
    return logging_view(opened, run)


def wandb(run: Run) -> View:
    """Weights & Biases: on its server for who has logged in there, else in files. WANDB_MODE decides where it is set.

    Steps that it has already are left out by itself.
    """
    import wandb

    mode = None if "WANDB_MODE" in os.environ or wandb.login(prompt=False) else "offline"
    opened = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=run.name,
        id=f"{run.stage}-{run.name}-{run.key}",
        job_type=run.stage,
        config=dict(run.config),
        dir=FOLDER,
        mode=mode,
        resume="allow",
        settings={"console": "off", "init_timeout": 30},
    )
    return logging_view(opened, run)


def logging_view(opened: Any, run: Run) -> View:
    """Of a library's run with `log` and `finish`."""

    def show(curve: str, points: "Points") -> None:
        for point in points:
            opened.log(figures(curve, point), step=run.step(point))

    return View(show, opened.finish)


OPEN: dict[str, Callable[[Run], View]] = {"tensorboard": tensorboard, "trackio": trackio, "wandb": wandb}
