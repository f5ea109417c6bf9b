"""The command `protomtl` that an installation makes is the one that `python -m protomtl` is."""

import importlib
import tomllib

from protomtl import __main__
from tests.support import ROOT


def test_the_installed_command_is_the_packages_own() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, function = scripts.pop("protomtl").split(":")
    assert getattr(importlib.import_module(module), function) is __main__.main
    assert not scripts
