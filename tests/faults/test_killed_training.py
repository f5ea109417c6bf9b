"""A training that is killed, one process or several, goes on and gives the same bytes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from protomtl.core import files
from protomtl.core.files import digest_folder, read_json
from tests.support.commands import environment
from tests.support.makers import patch_params
from tests.support.processes import OWN_LAUNCH, STEP, launched
from tests.support.steps import run_method


@pytest.fixture
def pretrained(prepared: Path) -> Path:
    run_method("cosine", "pretrain")
    patch_params(prepared, {"finetune": {"epochs": 6, "steps_per_epoch": 5, "save_every": 2}})
    return prepared


def trained(folder: Path) -> dict[str, str]:
    """What training and evaluation have left, seconds aside."""
    found = digest_folder(folder / "results")
    return {name: digest for name, digest in found.items() if not name.startswith("timing/")}


def test_two_processes_give_the_same_bytes_after_a_kill_and_under_torchrun(pretrained: Path) -> None:
    """Of the training and of the evaluation; with dropout, whose masks differ from those of one process."""
    patch_params(pretrained, {"compute": {"processes": 2}})
    command = [sys.executable, "-m", "protomtl", "finetune", *STEP]
    trainer = subprocess.Popen(command, cwd=pretrained, env=environment(), stderr=subprocess.PIPE, text=True)
    state, deadline = pretrained / ".state/finetune", time.monotonic() + 120
    while not list(state.glob("*/*/state.safetensors")) and trainer.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    children = Path(f"/proc/{trainer.pid}/task/{trainer.pid}/children").read_text().split()
    workers = [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(workers) == 2
    os.kill(int(workers[1]), signal.SIGKILL)  # one process dies, and the others with it
    assert "one of 2 processes ended" in trainer.communicate(timeout=60)[1].splitlines()[-1]
    assert trainer.returncode == 2 and not (pretrained / "results/finetune").exists()
    again = launched(pretrained, "protomtl", "finetune", *STEP)
    assert again.returncode == 0 and len(re.findall("goes on from step", again.stdout)) == 1, again.stderr
    assert launched(pretrained, "protomtl", "evaluate", *STEP).returncode == 0
    resumed = trained(pretrained)
    config = read_json(pretrained / "results/finetune/cosine/seed1/config.json")
    assert config["compute"]["processes"] == 2

    for part in ("finetune", "evaluate", "curves"):
        shutil.rmtree(pretrained / "results" / part)
    for step in ("finetune", "evaluate"):
        whole = launched(pretrained, *OWN_LAUNCH, step, *STEP)
        assert whole.returncode == 0 and "goes on" not in whole.stdout, whole.stderr
    assert trained(pretrained) == resumed


def outcome(workdir: Path, step: str, method: str) -> dict[str, str]:
    return files.digest_folder(workdir / "results" / step / method)


REMEMBERED = {  # what a training remembers from step to step, beside weights and moments
    "finetune": {"pretrain": False, "finetune": {"share_hidden": True, "averaging": 0.9, "weighting": "uncertainty"}},
    "pretrain": {"pretrain": {"prototypes": "epoch", "distance": "cosine", "sampling": "annealed"}, "finetune": {}},
}


@pytest.mark.parametrize(("step", "method"), [("finetune", "shared_layers"), ("pretrain", "prototypical")])
def test_a_killed_training_goes_on_and_gives_the_same_bytes(prepared: Path, step: str, method: str) -> None:
    patch_params(prepared, {step: {"epochs": 6, "steps_per_epoch": 20, "save_every": 3}})
    patch_params(prepared, {"method": {method: {"label": method, "source": "test", **REMEMBERED[step]}}})
    if step == "finetune":
        run_method(method, "pretrain")
    run_method(method, step)
    whole = outcome(prepared, step, method)
    state = prepared / ".state" / step
    files.remove(state)
    files.remove(prepared / "results" / step / method)
    command = [sys.executable, "-m", "protomtl", step, "--method", method, "--seed", "1"]
    trainer = subprocess.Popen(command, cwd=prepared, env=environment(), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(state.glob("*/*/state.safetensors")) and trainer.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(trainer.pid, signal.SIGKILL)
    trainer.wait()
    assert not (prepared / "results" / step / method / "seed1").exists()
    again = subprocess.run(command, cwd=prepared, env=environment(), capture_output=True, text=True, check=True)
    assert "goes on from step" in again.stdout
    assert outcome(prepared, step, method) == whole
    curve = f"curves/train/{method}/seed1/curve.csv" if step == "finetune" else f"pretrain/{method}/seed1/train.csv"
    (live,) = state.glob("*/*/train.csv")
    assert live.read_bytes() == (prepared / "results" / curve).read_bytes()  # no step twice, none lost
