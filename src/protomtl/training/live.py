"""A training while it runs: its curves grow beside its state, and in a tracker if one is chosen (tracking.py).

They are for people; among the results curves appear when the training ends, whole. What fails here is told once and
left out from then on: it ends no training. The files are train.csv, dev.csv and live.json, in
.state/STAGE/METHOD-seedN/KEY.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from protomtl.core.errors import first_line
from protomtl.core.files import atomic, csv_lines, remove, tag, write_csv, write_json
from protomtl.core.paths import LIVE
from protomtl.model import distributed
from protomtl.training import tracking
from protomtl.training.curves import Curves, Points
from protomtl.training.tracking import Run, View


class Live:
    """Shows the points of a training, and nothing in processes that only share its work.

    A training that goes on has its saved `curves`: what was shown behind them goes, and comes again.
    """

    def __init__(
        self, title: str, folder: Path, curves: Curves, epochs: int, steps: int, config: Mapping[str, Any]
    ) -> None:
        """folder: of its state; epochs: at most; steps: of an epoch."""
        self.title, self.views = title, dict[str, View]()
        if not distributed.is_main():
            return
        stage, name, key = (str(part) for part in folder.absolute().parts[-3:])
        run = Run(stage, name, key, config, len(curves.train), steps)
        about = {"title": title, "steps": steps * epochs, "first": run.done, "begin": time.time(), "by": tag()}
        self.open("live curves", lambda: files(folder, curves, about))
        if tracker := tracking.chosen():
            self.open(f"{tracking.VARIABLE}={tracker}", lambda: tracking.OPEN[tracker](run))

    def open(self, name: str, view: Callable[[], View]) -> None:
        with self.harmless(name):
            self.views[name] = view()

    def show(self, curve: str, points: Points) -> None:
        """Take new points, if there are any, of the curve `train` or `dev`."""
        for name, view in [*self.views.items()] if points else ():
            with self.harmless(name):
                view.show(curve, points)

    def close(self) -> None:
        for name, view in self.views.items():
            with self.harmless(name):
                view.close()

    @contextmanager
    def harmless(self, name: str) -> Iterator[None]:
        """A view that fails in the block is told, and gone."""
        try:
            yield
        except Exception as error:
            self.views = {other: view for other, view in self.views.items() if other != name}
            print(f"{self.title}: {name}: {first_line(error)}; it goes on without", file=sys.stderr, flush=True)


def files(folder: Path, curves: Curves, about: Mapping[str, Any]) -> View:
    """train.csv and dev.csv of the points so far, to which a line is added for each new one."""
    write_json(folder / LIVE, about)
    for curve, points in vars(curves).items():
        path = folder / f"{curve}.csv"
        remove(path)
        if points:
            with atomic(path) as part:
                write_csv(part, points)
    return View(lambda curve, points: append(folder / f"{curve}.csv", points), lambda: None)


def append(path: Path, points: Points) -> None:
    """Add lines to a CSV file, in one piece, so that a reader misses no more than the last."""
    text = csv_lines(points, header=not path.exists())
    with path.open("a", newline="", encoding="utf-8") as file:
        file.write(text)
