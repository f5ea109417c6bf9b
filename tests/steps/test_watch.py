"""`protomtl watch`: trainings that run, that were left, and a file that is being written."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from protomtl.commands import watch
from protomtl.core.files import tag
from tests.support.commands import call
from tests.support.steps import run_method

HERE = tag()  # of this process, which lives
GONE = HERE.replace(f"-{os.getpid()}-", "-4194305-")  # above the largest number that Linux gives


def write(project: Path, by: str = HERE, train: str = "", dev: str = "", ago: float = 0.0, first: int = 0) -> Path:
    """The live curves of a training of 100 steps, of which each so far took a second."""
    folder = project / ".state/finetune/concat-seed1/0123"
    folder.mkdir(parents=True)
    newest = time.time() - ago
    made = train.count("\n") - 1 - first
    about = {"title": "finetune concat seed 1", "steps": 100, "first": first, "begin": newest - made, "by": by}
    (folder / "live.json").write_text(json.dumps(about))
    (folder / "train.csv").write_text(train)
    (folder / "dev.csv").write_text(dev)
    os.utime(folder / "train.csv", (newest, newest))
    return folder


def train(steps: int) -> str:
    return "step,epoch,lr,loss\n" + "".join(f"{k},0.1,0.001,{1 / k}\n" for k in range(1, steps + 1))


DEV = "epoch,overall\n1,0.7\n2,0.8\n3,\n4,0.75\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"train": train(40), "dev": DEV}, "dev overall 0.750 (best 0.800, epoch 2), about 1:00 left"),
        ({"train": train(40), "ago": 15.0}, "step 40/100, loss 0.025, about 0:45 left"),  # some of it is over
        ({"train": train(40), "first": 20}, "about 1:00 left"),  # 20 steps in 20 s, after an interruption
        ({"train": train(40) + "41,0.1,0.0"}, "step 40/100, loss 0.025, about 1:00 left"),  # half a line
        ({"train": train(100)}, "step 100/100, loss 0.010, all steps done"),
        ({"train": train(20), "first": 20}, "step 20/100, loss 0.050, begins"),
        ({"train": train(40), "by": GONE}, "step 40/100, loss 0.025, not running since 20"),
        ({"train": train(40), "dev": "epoch,overall\n1,\n"}, "dev overall n/a (best n/a, epoch 1)"),
        ({"train": train(40), "dev": "epoch,overall,sts\n1,0.7,0.7\n"}, "dev sts 0.700 (best 0.700, epoch 1)"),
        ({"train": train(40), "dev": "epoch,overall,sst,sts\n1,0.7,0.6,0.8\n"}, "dev overall 0.700"),
    ],
)
def test_a_line_says_how_far_a_training_is(options: dict[str, object], said: str, project: Path) -> None:
    write(project, **options)  # type: ignore[arg-type]
    (line,) = watch.lines(watch.trainings())
    assert line.startswith("finetune concat seed 1: step ") and said in line


@pytest.mark.parametrize("name", ["live.json", "train.csv", "dev.csv"])
@pytest.mark.parametrize("content", [b"\xff\xfe", b"{}\n1\n", b"step,loss,overall,epoch\n1,x,x,x\n"])
def test_a_damaged_curve_is_told_and_hides_no_other(
    name: str, content: bytes, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = write(project, train=train(40), dev=DEV)
    other = shutil.copytree(damaged, project / ".state/finetune/concat-seed2/0123")
    (damaged / name).write_bytes(content)
    call_watch()
    said = capsys.readouterr()
    assert said.out.count("finetune concat seed 1: step 40/100") == 1 and other.exists()
    assert said.err == f"{damaged.relative_to(project)}: its curves are damaged; `protomtl verify` looks at its state\n"


def test_without_a_training_it_says_where_curves_are(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder := write(project)).joinpath("train.csv").unlink()  # no step yet
    call_watch()
    assert capsys.readouterr().out == "no training is under way here; curves of those that have ended: results/curves\n"
    (folder / "live.json").unlink()


def call_watch(*words: str) -> None:
    from protomtl.cli import run

    run(["watch", *words])


def test_it_says_how_far_the_whole_run_is(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, train=train(40))
    (project / ".state/progress").write_text("run at 14:03: 12 of 80 jobs done, about 14 min left\n")
    call_watch()
    assert capsys.readouterr().out.splitlines()[0] == "run at 14:03: 12 of 80 jobs done, about 14 min left"


@pytest.mark.usefixtures("whole_pictures")
def test_a_picture_of_them(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(project, train=train(40), dev=DEV)
    call_watch("--picture", "live.png")
    assert (project / "live.png").read_bytes().startswith(b"\x89PNG") and "live.png" in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"live\.pdf: the picture is a PNG; name a file that ends with \.png"):
        call_watch("--picture", "live.pdf")
    (project / "folder.png").mkdir()
    with pytest.raises(SystemExit, match=r"folder\.png: is a folder"):
        call_watch("--picture", "folder.png")


def test_follow_tells_again(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(project, train=train(40))

    def sleep(_: float) -> None:
        if (folder / "train.csv").read_text() != train(40):
            raise KeyboardInterrupt
        (folder / "train.csv").write_text(train(60))

    monkeypatch.setattr(watch.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        call_watch("--follow")
    said = capsys.readouterr().out
    assert "step 40/100" in said and "step 60/100" in said


def test_of_a_training_that_has_just_ended(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real one, by a process that is gone."""
    run_method("cosine", "pretrain")
    call(prepared, "protomtl", "finetune", "--method", "cosine", "--seed", "1")
    capsys.readouterr()
    call_watch()
    said = capsys.readouterr().out
    assert said.startswith("finetune cosine seed 1: step 4/4, loss ") and "not running since" in said
