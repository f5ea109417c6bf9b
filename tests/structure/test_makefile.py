"""Targets call the programs of the environment, wherever the project lies and whatever the environment is called."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

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
