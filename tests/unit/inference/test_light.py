"""What `pip install protomtl` alone must do: use a model, without a library of the pipeline and on any system."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.support import ROOT

EXPORT = ROOT / "tests/support/export_0_1"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
MODULES = {"pyyaml": "yaml", "umap-learn": "umap", "ruamel": "ruamel.yaml"}
BROUGHT = {"yaml", "threadpoolctl", "requests", "truststore", "jinja2", "markupsafe"}  # by what a model needs
UNIX = ["fcntl", "resource", "pwd", "grp"]

LIGHT = """
import contextlib, importlib, io, json, os, sys, types
def without(finder):  # as where these are not installed
    class Finder(finder):
        def find_spec(name, path=None, target=None):
            return None if name in {blocked} else finder.find_spec(name, path, target)
    return Finder
sys.meta_path = [without(finder) if isinstance(finder, type) else finder for finder in sys.meta_path]
for name in {blocked}:
    sys.modules.pop(name, None)
windows = types.SimpleNamespace(**vars(os) | {{"name": "nt", "fsync": None, "kill": None}})
for name in {modules}:
    module = importlib.import_module(name)
    module.os, module.ctypes = windows, None
from protomtl.cli import main
for words in {commands}:
    sys.argv, code = ["protomtl", *words], 0
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as stop:
            code = stop.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def names(extra: str) -> list[str]:
    """The modules of the packages of an extra."""
    found = [word.partition("[")[0].partition(">")[0].partition("=")[0] for word in EXTRAS[extra]]
    return [MODULES.get(name, name.partition(".")[0] if name == "ruamel.yaml" else name) for name in found]


class Said(NamedTuple):
    code: int
    out: str
    err: str


def light(*commands: list[str], model: bool = False) -> list[Said]:
    """Commands where no library of the pipeline is, and nothing that only Unix has; one process for all."""
    # What transformers and scikit-learn bring along is there, too.
    blocked = [name for name in names("pipeline") if name not in BROUGHT] + UNIX
    modules = ["protomtl.core.files", *(["protomtl.model.packed.memory"] if model else [])]
    code = LIGHT.format(blocked=blocked, modules=modules, commands=commands)
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, text=True, capture_output=True, check=False, cwd=ROOT / "docs")
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [Said(*json.loads(line)) for line in done.stdout.splitlines()]


def test_the_public_names_need_no_heavy_library_before_a_model_is_loaded() -> None:
    code = "import sys, protomtl; protomtl.load, protomtl.Model; print(*sys.modules)"
    found = {*subprocess.check_output([sys.executable, "-c", code], text=True).split()}
    assert "protomtl.inference.model" in found
    assert not found & {"torch", "transformers", "tokenizers", "sklearn", "scipy", "pandas", "yaml", "tqdm"}


def test_a_model_predicts_without_the_pipeline_and_without_unix(tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("text,label\ngood film,a\nbad,b\n")
    (tmp_path / "in.txt").write_text("a good film\n")
    few, given = str(tmp_path / "few.csv"), ["--model", str(EXPORT), "--input", str(tmp_path / "in.txt")]
    asked = [
        ["predict", "--task", "sst"],
        ["predict", "--task", "sst"],  # the second time it replaces a file
        ["classify", "--support", few],
        ["similar", "--among", few],
    ]
    asked = [[*words, *given, "--output", str(tmp_path / f"{words[0]}.csv")] for words in asked]
    asked.append(["encode", *given, "--output", str(tmp_path / "encode.jsonl")])
    said = light(*asked, model=True)
    assert [command.code for command in said] == [0] * len(asked), said
    predicted, classes, similar = ((tmp_path / f"{n}.csv").read_text() for n in ("predict", "classify", "similar"))
    assert predicted.startswith("text,prediction,score_0")
    assert classes.count("\n") == 2 and similar.count("\n") == 3
    assert len(json.loads((tmp_path / "encode.jsonl").read_text())["vector"]) == 32


NEED_THE_PIPELINE = [["prepare"], ["init", "rows.csv"], ["verify"], ["preset", "quick"], ["export"]]


def test_a_command_of_the_pipeline_says_what_to_install_and_help_needs_none_of_it() -> None:
    help, *others = light(["--help"], *NEED_THE_PIPELINE)
    assert help.code == 0 and "predict" in help.out and "finetune" in help.out
    for (name, *_), said in zip(NEED_THE_PIPELINE, others, strict=True):
        assert said.code == 2
        assert said.err.count("\n") == 1, said.err
        assert said.err.startswith(f"protomtl {name} needs ")
        assert said.err.rstrip().endswith("pip install 'protomtl[pipeline]'")
