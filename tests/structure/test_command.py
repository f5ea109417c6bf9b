"""The command `protomtl` that an installation makes is the one that `python -m protomtl` is."""

import importlib
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from protomtl import __main__
from tests.support import ROOT
from tests.support.commands import environment

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
MODULE, FUNCTION = SCRIPTS["protomtl"].split(":")
WAYS = {  # to call it, as a shell does and as the script of an installation
    "module": ["-m", "protomtl"],
    "folder": [str(ROOT / "src/protomtl")],
    "script": ["-c", f"import sys; from {MODULE} import {FUNCTION}; sys.exit({FUNCTION}())"],
}


def test_the_installed_command_is_the_packages_own() -> None:
    assert [*SCRIPTS] == ["protomtl"]
    assert getattr(importlib.import_module(MODULE), FUNCTION) is __main__.main


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_while_python_imports_is_no_traceback(way: str, tmp_path: Path) -> None:
    """A real signal, while a library that the command imports takes its time."""
    (tmp_path / "safetensors.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    started = subprocess.Popen(
        [sys.executable, *WAYS[way], "--version"],
        env=environment() | {"PYTHONPATH": f"{tmp_path}:{ROOT / 'src'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert started.stdout is not None and started.stdout.readline() == "importing\n"
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=30) == ("", "") and started.returncode == 130
