"""What `pip install protomtl` alone must do: use a model, without a library of the pipeline and on any system."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support import ROOT

EXPORT = ROOT / "tests/support/export_0_1"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
MODULES = {"pyyaml": "yaml", "umap-learn": "umap", "ruamel": "ruamel.yaml"}
BROUGHT = {"yaml", "threadpoolctl", "requests", "truststore", "jinja2", "markupsafe"}  # by what a model needs
UNIX = ["fcntl", "resource", "pwd", "grp"]

LIGHT = """
import importlib, os, sys, types
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
sys.argv = {words}
from protomtl.cli import main
main()
"""


def names(extra: str) -> list[str]:
    """The modules of the packages of an extra."""
    found = [word.partition("[")[0].partition(">")[0].partition("=")[0] for word in EXTRAS[extra]]
    return [MODULES.get(name, name.partition(".")[0] if name == "ruamel.yaml" else name) for name in found]


def light(words: list[str], given: str = "", model: bool = False) -> subprocess.CompletedProcess[str]:
    """A command where no library of the pipeline is, and nothing that only Unix has."""
    # What transformers and scikit-learn bring along is there, too.
    blocked = [name for name in names("pipeline") if name not in BROUGHT] + UNIX
    modules = ["protomtl.core.files", *(["protomtl.model.packed.memory"] if model else [])]
    code = LIGHT.format(blocked=blocked, modules=modules, words=["protomtl", *words])
    command = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(command, input=given, text=True, capture_output=True, check=False, cwd=ROOT / "docs")


def test_the_public_names_need_no_heavy_library_before_a_model_is_loaded() -> None:
    code = "import sys, protomtl; protomtl.load, protomtl.Model; print(*sys.modules)"
    found = {*subprocess.check_output([sys.executable, "-c", code], text=True).split()}
    assert "protomtl.inference.model" in found
    assert not found & {"torch", "transformers", "tokenizers", "sklearn", "scipy", "pandas", "yaml", "tqdm"}


def test_a_model_predicts_without_the_pipeline_and_without_unix(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for _ in range(2):  # the second time it replaces a file
        said = light(["predict", "--model", str(EXPORT), "--task", "sst", "--output", str(out)], "a good film\n", True)
        assert said.returncode == 0, said.stderr
    assert out.read_text().startswith("text,prediction,score_0")
    vectors = light(["encode", "--model", str(EXPORT)], "a good film\n", True)
    assert len(json.loads(vectors.stdout)["vector"]) == 32
    (tmp_path / "few.csv").write_text("text,label\ngood film,a\nbad,b\n")
    few = str(tmp_path / "few.csv")
    assert light(["classify", "--model", str(EXPORT), "--support", few], "good film\n", True).stdout.count("\n") == 2
    assert light(["similar", "--model", str(EXPORT), "--among", few], "good film\n", True).stdout.count("\n") == 3


@pytest.mark.parametrize("words", [["prepare"], ["init", "rows.csv"], ["verify"], ["preset", "quick"], ["export"]])
def test_a_command_of_the_pipeline_says_what_to_install(words: list[str]) -> None:
    said = light(words)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1, said.stderr
    assert said.stderr.startswith(f"protomtl {words[0]} needs ")
    assert said.stderr.rstrip().endswith("pip install 'protomtl[pipeline]'")


def test_the_help_needs_no_pipeline() -> None:
    said = light(["--help"])
    assert said.returncode == 0 and "predict" in said.stdout and "finetune" in said.stdout
