"""Stand-ins for the trackers' libraries, which the tests' environment need not have: they write down what they get."""

import json
from pathlib import Path
from typing import Any

import pytest

CALLED = "called.jsonl"
LIBRARY = """
import json

FAILS = {fails!r}

def note(call, *args, **options):
    with open({log!r}, "a") as file:
        file.write(json.dumps([call, args, options], default=str) + "\\n")
    if call == FAILS:
        raise RuntimeError("the server is away\\nand more")

def login(**options):
    note("login", **options)
    return False

class init:
    def __init__(self, *args, **options):
        note("init", *args, **options)

    def log(self, *args, **options):
        note("log", *args, **options)

    def finish(self):
        note("finish")
"""


def install(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str = "") -> Path:
    """A module of this name, whose call `fails` fails; returns where its calls are written."""
    place, log = folder / "libraries", folder / CALLED
    place.mkdir()
    (place / f"{name}.py").write_text(LIBRARY.format(fails=fails, log=str(log)))
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    monkeypatch.setenv("PROTOMTL_TRACK", name)
    return log


def calls(log: Path) -> list[tuple[str, list[Any], dict[str, Any]]]:
    """The calls: their name, arguments and options."""
    return [tuple(json.loads(line)) for line in log.read_text().splitlines()]
