"""Commands as a user gives them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

PROTOMTL = (sys.executable, "-m", "protomtl")  # of this checkout, whichever the environment's `protomtl` is of


def environment() -> dict[str, str]:
    """The user's environment with this interpreter and the code of this checkout first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    code = os.pathsep.join(filter(None, (str(ROOT / "src"), os.environ.get("PYTHONPATH"))))
    names = {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@t"}
    return {**os.environ, **names, "PATH": path, "PYTHONPATH": code, "TQDM_DISABLE": "1"}


def call(project: Path, *command: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run a command in the project; `code` is what it must exit with (None: anything)."""
    words = (*PROTOMTL, *command[1:]) if command[0] == "protomtl" else command
    result = subprocess.run(words, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert code is None or result.returncode == code, f"{command}\n{result.stdout}\n{result.stderr}"
    return result


def recipe(target: str) -> str:
    """What a target of the Makefile gives to the shell, in its first line."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", "")
    found = re.search(rf"^{target}:.*\n\t(.*)$", text, re.MULTILINE)
    assert found, target
    return found[1].replace("$$", "$")
