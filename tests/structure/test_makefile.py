"""Targets call the programs of the environment, wherever the project lies and whatever the environment is called."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.support import ROOT
from tests.support.commands import recipe
from tests.support.kills import PATIENCE, until
from tests.support.params import SST, edited

PROGRAM = '#!/bin/sh\necho "$0" "$@" >> "$(dirname "$0")/called"\n'


@pytest.mark.parametrize("linked", [False, True])
def test_in_a_path_with_a_space_a_target_runs_the_environments_own_programs(linked: bool, tmp_path: Path) -> None:
    project = tmp_path / "my pröject"
    environment = tmp_path / "other environment" if linked else project / ".venv"
    (environment / "bin").mkdir(parents=True)
    project.mkdir(exist_ok=True)
    if linked:
        (project / ".venv").symlink_to(environment)
    for name in ("Makefile", "requirements.lock", "requirements.torch.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, project / name)
    (environment / "bin/pytest").write_text(PROGRAM)
    (environment / "bin/pytest").chmod(0o755)
    (environment / "ready").touch()  # later than what it is made of
    subprocess.run(["make", "test-pipeline"], cwd=project, check=True, capture_output=True)
    called = (environment / "bin/called").read_text()
    assert called.startswith(f"{project}/.venv/bin/pytest ") and called.endswith("-m pipeline tests/pipeline\n")


def test_experiments_are_compared_by_the_tasks_that_there_are(tmp_path: Path) -> None:
    """Figures of one's own tasks were hidden where they were the same in each experiment."""
    (tmp_path / "dvc").write_text(PROGRAM)
    (tmp_path / "dvc").chmod(0o755)
    edited(tmp_path, "tasks", {"mood": SST, "Topic": SST})
    subprocess.run(["sh", "-c", f"PATH='{tmp_path}':$PATH; {recipe('compare')}"], cwd=tmp_path, check=True)
    assert " --keep best|overall|mood|Topic --drop " in (tmp_path / "called").read_text()


ENDED = """#!/bin/sh
cd "$(dirname "$0")"
trap 'touch told; exit 1' TERM
touch begun
while [ -e begun ]; do sleep 0.05; done
"""


@pytest.mark.parametrize("target", ["robust", "low-data", "soak"])
def test_the_end_of_make_is_that_of_a_command_that_takes_hours(target: str, tmp_path: Path) -> None:
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "requirements.torch.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (programs / "python").write_text(ENDED)
    (programs / "python").chmod(0o755)
    (tmp_path / ".venv/ready").touch()
    running = subprocess.Popen(["make", target], cwd=tmp_path, stderr=subprocess.DEVNULL)
    until((programs / "begun").exists, "the command")
    running.terminate()
    running.wait(PATIENCE)
    (programs / "begun").unlink()  # it ends by itself, whatever it was told
    assert (programs / "told").exists()


def test_help_names_every_target() -> None:
    """Each that is no file, with a word on it."""
    said = subprocess.check_output(["make", "--no-print-directory", "help"], cwd=ROOT, text=True)
    listed = dict(line.split(maxsplit=1) for line in said.splitlines())
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert sorted(listed) == sorted(targets.split())


def test_the_lock_installs_on_the_oldest_python_that_the_project_promises() -> None:
    """Debian 12 has Python 3.11.2: a package that asks for 3.11.5 would end `make all` there."""
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    names = re.findall(r"^([\w.-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    asks = {name: metadata(name).get("Requires-Python") for name in names if installed(name)}
    assert {name: ask for name, ask in asks.items() if ask and f"{promised}.0" not in SpecifierSet(ask)} == {}


def installed(name: str) -> bool:
    """Packages for another system or another Python are in the lock too."""
    try:
        return bool(metadata(name))
    except PackageNotFoundError:
        return False
