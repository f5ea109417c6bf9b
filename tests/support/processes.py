"""Trainings as commands, by several processes."""

import subprocess
import sys
from pathlib import Path

from tests.support.commands import environment
from tests.support.makers import patch_params


def launched(folder: Path, *command: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """A step as a command, where params.yaml asks for so many processes."""
    patch_params(folder, {"compute": {"processes": processes}})
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


STEP = ("--method", "cosine", "--seed", "1")
OWN_LAUNCH = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "protomtl")
