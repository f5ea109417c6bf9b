"""Command `watch`: how far the trainings are that run here, by their live curves; a picture of these.

It reads what lies beside the saved states (training/live.py). Curves of trainings that ended are in results/curves.
"""

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from protomtl.core.files import abandoned, read_json
from protomtl.core.markdown import number
from protomtl.core.paths import LIVE, STATE, results
from protomtl.core.users_files import BadPath, users_file

EXAMPLES = """
  protomtl watch
  protomtl watch --follow
  protomtl watch --picture live.png"""

RUN = STATE / "progress"  # workflow/bridge/left.py
EVERY = 5.0  # seconds
Points = list[dict[str, float]]


class Training(NamedTuple):
    """What is known of a training that runs, or was left."""

    title: str
    steps: int  # at most
    first: int  # step that it went on from
    seconds: float  # from there to the newest point
    ago: float  # seconds since then
    runs: bool
    train: Points
    dev: Points


def arguments(command: argparse.ArgumentParser) -> None:
    how = command.add_mutually_exclusive_group()
    how.add_argument("--follow", action="store_true", help=f"again every {EVERY:.0f} s, until Ctrl-C")
    how.add_argument("--picture", metavar="FILE", type=Path, help="draw the curves of all of them (PNG)")


def run(args: argparse.Namespace) -> None:
    if args.picture and args.picture.suffix != ".png":
        raise SystemExit(f"{args.picture}: the picture is a PNG; name a file that ends with .png")
    print("\n".join(lines(found := trainings())))
    if args.picture and found:
        try:
            draw(found, args.picture)
        except BadPath as error:
            raise SystemExit(str(error)) from None
    while args.follow:
        time.sleep(EVERY)
        print("\n" + "\n".join(lines(trainings())), flush=True)


def trainings() -> list[Training]:
    """Those whose state is here and that have made a step, the newest first."""
    found = []
    for path in STATE.glob(f"*/*/*/{LIVE}"):
        try:
            found.append(read(path.parent))
        except FileNotFoundError:  # no step yet, or its state has just gone
            pass
        except (SystemExit, OSError, ValueError, KeyError, TypeError):
            print(f"{path.parent}: its curves are damaged; `protomtl verify` looks at its state", file=sys.stderr)
    return sorted(found, key=lambda training: training.ago)


def read(folder: Path) -> Training:
    """What a training has written in the folder of its state."""
    about, newest = read_json(folder / LIVE), (folder / "train.csv").stat().st_mtime
    train, dev = points(folder / "train.csv", "step", "loss"), points(folder / "dev.csv", "epoch", "overall")
    runs = not abandoned(Path(about["by"]))
    seconds, ago = newest - about["begin"], time.time() - newest
    return Training(about["title"], about["steps"], about["first"], seconds, ago, runs, train, dev)


def points(path: Path, *needed: str) -> Points:
    """The whole lines of a curve that somebody else is writing; a field that is empty is no number. KeyError or
    ValueError for what is no curve of these columns."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    found = [{name: float(value or "nan") for name, value in row.items()} for row in csv.DictReader(whole)]
    return [{name: point[name] for name in (*needed, *point)} for point in found]


def lines(found: Sequence[Training]) -> list[str]:
    """What is said of them, and of the whole run, if there is one that says so."""
    whole = [RUN.read_text(encoding="utf-8", errors="replace").strip()] if RUN.is_file() else []
    if not found:
        return [*whole, f"no training is under way here; curves of those that have ended: {results('curves')}"]
    return [*whole, *map(line, found)]


def line(training: Training) -> str:
    """`finetune concat seed 1: step 48/90, loss 0.812, dev overall 0.713 (best 0.731, epoch 1), about 1:10 left`."""
    last = training.train[-1] if training.train else {"step": training.first, "loss": float("nan")}
    parts = [f"{training.title}: step {last['step']:.0f}/{training.steps}", f"loss {number(last['loss'])}"]
    if training.dev:
        best = max(training.dev, key=lambda point: (point["overall"] == point["overall"], point["overall"]))
        newest = number(training.dev[-1]["overall"])
        parts.append(f"dev {figure_of(training)} {newest} (best {number(best['overall'])}, epoch {best['epoch']:.0f})")
    return ", ".join([*parts, left(training, int(last["step"]))])


def figure_of(training: Training) -> str:
    """What its dev figure is: that of its task, if it trains one alone."""
    tasks = [name for name in training.dev[0] if name not in ("epoch", "overall")]
    return tasks[0] if len(tasks) == 1 else "overall"


def left(training: Training, step: int) -> str:
    """The time left, or that nobody is at work on it."""
    if not training.runs:
        return f"not running since {time.strftime('%Y-%m-%d %H:%M', time.localtime(time.time() - training.ago))}"
    if step == training.steps:
        return "all steps done"
    if (made := step - training.first) < 1:
        return "begins"
    minutes, seconds = divmod(max(round(training.seconds / made * (training.steps - step) - training.ago), 0), 60)
    return f"about {minutes}:{seconds:02d} left"


def draw(found: Sequence[Training], path: Path) -> None:
    """Training loss (running mean) and dev figure of each, beside each other. Raises BadPath."""
    import matplotlib.pyplot as plt
    import pandas as pd

    from protomtl.plots import style

    figure, (losses, scores) = plt.subplots(1, 2, figsize=(10, 4))
    for training in found:
        train, dev = pd.DataFrame(training.train), pd.DataFrame(training.dev)
        smooth = train["loss"].rolling(max(1, len(train) // 20), min_periods=1).mean()
        what = f" ({figure_of(training)})" if training.dev else ""
        (drawn,) = losses.plot(train["step"], smooth, lw=1.3, label=training.title + what)
        if len(dev):
            scores.plot(dev["epoch"], dev["overall"], lw=1.3, marker="o", color=drawn.get_color())
    losses.set(title="training loss", xlabel="step")
    scores.set(title="dev figure", xlabel="epoch")
    scores.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    with users_file(path) as part:
        style.save_png(figure, part)
    print(path)
