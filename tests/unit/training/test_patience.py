"""Early stopping: when a training ends, and that what was done up to there is what it always would have been."""

from pathlib import Path

import pytest

from protomtl.training import state_files
from tests.unit.training.test_loop import NAN, fit
from tests.unit.training.test_resume import weights


@pytest.mark.parametrize(
    ("dev", "patience", "epochs"),
    [
        ([0.1, 0.2, 0.3, 0.4], 1, 4),  # each is better
        ([0.3, 0.2, 0.4, 0.5], 1, 2),
        ([0.3, 0.2, 0.4, 0.3, 0.2, 0.9], 2, 5),  # the count begins anew with a better one
        ([0.3, 0.3, 0.3, 0.4], 2, 3),  # equal is not better
        ([0.3, 0.2, 0.1, 0.0], 0, 4),  # off
        ([0.3, 0.2, 0.1], 5, 3),
        ([NAN, NAN, NAN], 1, 3),  # nothing says that it gets worse
        ([0.3, NAN, NAN, 0.4], 2, 3),  # undefined is not better
    ],
)
def test_training_ends_after_so_many_epochs_without_a_better_figure(
    dev: list[float], patience: int, epochs: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result = fit(tmp_path / "s", dev, patience, epochs=len(dev))
    assert [point["epoch"] for point in result.curves.dev] == [*range(1, epochs + 1)]
    assert result.steps == len(result.curves.train) == 3 * epochs
    assert (f"ends with epoch {epochs}, {patience} epochs without" in capsys.readouterr().out) == (epochs < len(dev))


def test_up_to_its_end_it_is_the_training_that_goes_on(tmp_path: Path) -> None:
    """The same weights of the best epoch, the same points: rates follow the epochs that there are at most."""
    dev = [0.3, 0.4, 0.2, 0.1, 0.2]
    toy, whole = fit(tmp_path / "whole", dev, 0, epochs=5, lr=0.1, head_lr=0.1)
    short, stopped = fit(tmp_path / "stopped", dev, 2, epochs=5, lr=0.1, head_lr=0.1)
    assert stopped.best_epoch == whole.best_epoch == 2 and weights(short) == weights(toy)
    assert stopped.curves.train == whole.curves.train[:12] and len(whole.curves.train) == 15
    assert stopped.curves.dev == whole.curves.dev[:4]


@pytest.mark.parametrize("at", range(1, 12))
@pytest.mark.parametrize("save_every", [1, 2, 100])
def test_wherever_it_is_interrupted_it_ends_where_it_would_have(at: int, save_every: int, tmp_path: Path) -> None:
    dev = [0.3, 0.4, 0.2, 0.1, 0.2]
    options = {"epochs": 5, "save_every": save_every, "lr": 0.1, "head_lr": 0.1}
    toy, whole = fit(tmp_path / "whole", dev, 2, **options)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "s", dev, 2, interrupt=at, **options)
    seen = len(state_files.saved_progress(tmp_path / "s", *fresh())[3].dev)
    again, result = fit(tmp_path / "s", dev[seen:], 2, **options)
    assert weights(again) == weights(toy) and vars(result.curves) == vars(whole.curves)
    assert (result.best_epoch, result.steps) == (2, 12)
    ended, same = fit(tmp_path / "s", [], 2, **options)  # nothing is left to do
    assert weights(ended) == weights(toy) and same.steps == 12


def fresh() -> tuple[object, ...]:
    """A model of the toy's form, its optimizer and its average."""
    from protomtl.training.optimizer import build_optimizer
    from tests.unit.training.test_loop import Toy, settings

    toy = Toy()
    return toy, build_optimizer(toy, settings()), {}
