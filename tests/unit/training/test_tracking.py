"""PROTOMTL_TRACK: what a tracker is given, and that it decides nothing. Trackio and wandb are stand-ins here."""

from pathlib import Path
from typing import Any

import pytest

from protomtl.training import tracking
from tests.support import trackers
from tests.unit.training.test_loop import fit
from tests.unit.training.test_resume import weights

DEV = [0.1, 0.3]
OPTIONS: dict[str, Any] = {"lr": 0.1, "head_lr": 0.1}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As that of a training's state."""
    monkeypatch.chdir(tmp_path)
    for name in ("WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    (found := tmp_path / ".state/finetune/concat-seed1/0123").mkdir(parents=True)
    return found


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_a_tracker_gets_every_point_once_with_its_step(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = trackers.install(name, tmp_path, monkeypatch)
    _, result = fit(folder, DEV, **OPTIONS)
    found = trackers.calls(log)
    logged = [(options["step"], *args) for call, args, options in found if call == "log"]
    expected = [
        (p["step"], {f"train/{k}": p[k] for k in ("lr", "loss", "loss_a", "loss_b")}) for p in result.curves.train
    ]
    for epoch, overall in ((1, 0.1), (2, 0.3)):
        expected.insert(4 * epoch - 1, (3 * epoch, {"dev/overall": overall}))
    assert logged == expected
    assert found[-1][0] == "finish" and [call for call, *_ in found].count("finish") == 1


def test_trackio_knows_the_run_by_its_name_and_its_parameters(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = trackers.install("trackio", tmp_path, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fit(folder, DEV, interrupt=3, **OPTIONS)
    fit(folder, DEV, **OPTIONS)
    (first, again) = [call for call in trackers.calls(log) if call[0] == "init"]
    assert first[1] == ["protomtl", "concat-seed1"] and first[2]["group"] == "finetune"
    assert first[2]["config"]["seed"] == 1 and first[2]["config"]["lr"] == 0.1
    assert (first[2]["resume"], again[2]["resume"]) == ("never", "allow")  # it goes on in the run that there is
    assert [options["step"] for call, _, options in trackers.calls(log) if call == "log"] == [1, 2, 3, 3, 4, 5, 6, 6]


@pytest.mark.parametrize(("mode", "given"), [("", "offline"), ("online", None)])
def test_wandb_stays_offline_unless_somebody_has_logged_in_or_says_otherwise(
    mode: str, given: str | None, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = trackers.install("wandb", tmp_path, monkeypatch)
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
    fit(folder, DEV, **OPTIONS)
    found = trackers.calls(log)
    (options,) = [options for call, _, options in found if call == "init"]
    assert options["mode"] == given and options["name"] == "concat-seed1" and options["job_type"] == "finetune"
    assert options["id"] == "finetune-concat-seed1-0123" and options["dir"] == ".state/track"
    assert [call for call, *_ in found].count("login") == (not mode)


@pytest.mark.parametrize("fails", ["init", "log", "finish"])
def test_a_tracker_that_fails_is_told_once_and_ends_no_training(
    fails: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, _ = fit(tmp_path / "plain", DEV, **OPTIONS)
    log = trackers.install("trackio", tmp_path, monkeypatch, fails)
    toy, result = fit(folder, DEV, **OPTIONS)
    assert weights(toy) == weights(plain) and result.steps == 6
    assert capsys.readouterr().err.splitlines() == [
        "toy: PROTOMTL_TRACK=trackio: the server is away; it goes on without"
    ]
    assert [call for call, *_ in trackers.calls(log)].count(fails) == 1
    assert len((folder / "train.csv").read_text().splitlines()) == 7  # the live curves are another matter


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("mlflow", "PROTOMTL_TRACK=mlflow: no such tracker; there are tensorboard, trackio, wandb"),
        ("tensorbord", "PROTOMTL_TRACK=tensorbord: no such tracker; did you mean tensorboard?"),
        ("wandb", "PROTOMTL_TRACK=wandb: needs `pip install 'protomtl[wandb]'`"),
    ],
)
def test_what_cannot_be_had_is_one_line(value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTOMTL_TRACK", value)
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as stopped:
        tracking.chosen()
    assert stopped.value.code == message


@pytest.mark.parametrize("value", [None, ""])
def test_without_the_variable_there_is_none(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROTOMTL_TRACK", value) if value is not None else monkeypatch.delenv("PROTOMTL_TRACK", False)
    assert tracking.chosen() is None


def test_tensorboards_own_reader_finds_every_step_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also behind an interruption: what was written behind the saved step is written again."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setenv("PROTOMTL_TRACK", "tensorboard")
    with pytest.raises(KeyboardInterrupt):
        fit(folder, DEV, interrupt=6, save_every=2, **OPTIONS)
    _, result = fit(folder, DEV[1:], save_every=2, **OPTIONS)
    events = accumulator.EventAccumulator(".state/track/tensorboard/finetune/concat-seed1/0123").Reload()
    for curve, name, points in (("train", "loss", result.curves.train), ("dev", "overall", result.curves.dev)):
        read = [(event.step, event.value) for event in events.Scalars(f"{curve}/{name}")]
        steps = [point["step"] if curve == "train" else 3 * point["epoch"] for point in points]
        assert [step for step, _ in read] == steps
        assert [value for _, value in read] == pytest.approx([point[name] for point in points])
    text = events.Tensors("parameters/text_summary")[0].tensor_proto.string_val[0].decode()
    assert '"lr": 0.1' in text and '"seed": 1' in text
