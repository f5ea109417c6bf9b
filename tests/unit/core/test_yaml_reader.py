"""A YAML file is the same to PyYAML, ruamel.yaml and this package, or it is refused by line."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from protomtl.core.yaml_reader import read_yaml, written
from tests.support import ROOT


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "params.yaml"


def read(file: Path, text: str) -> dict[str, Any]:
    file.write_text(text, encoding="utf-8", newline="")
    return read_yaml(file)


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", *(f"presets/{p.name}" for p in ROOT.glob("presets/*"))])
def test_the_projects_own_files_are_the_same_to_all_readers(name: str) -> None:
    text = (ROOT / name).read_text()
    assert read_yaml(ROOT / name) == yaml.safe_load(text) == YAML(typ="safe").load(text)


DIFFERENT = {  # what stands in the file: what each reader makes of it
    "no": 'false to Snakemake and "no" to DVC',
    "off": 'false to Snakemake and "off" to DVC',
    "Yes": 'true to Snakemake and "Yes" to DVC',
    "1e-3": '"1e-3" to Snakemake and 0.001 to DVC',
    "1.0e3": '"1.0e3" to Snakemake and 1000.0 to DVC',
    "1e16": '"1e16" to Snakemake and 1.0e+16 to DVC',
    "010": "8 to Snakemake and 10 to DVC",
    "-010": "-8 to Snakemake and -10 to DVC",
    "08": '"08" to Snakemake and 8 to DVC',
    "0o17": '"0o17" to Snakemake and 15 to DVC',
    "1:30": '90 to Snakemake and "1:30" to DVC',
}


@pytest.mark.parametrize("value", DIFFERENT)
@pytest.mark.parametrize("place", ["b: 1\na: {}", "b: 1\na: [{}]", "b:\n  {}: 1", "b: 1\na: &x {}"])
def test_what_readers_take_differently_is_refused_by_line(file: Path, place: str, value: str) -> None:
    with pytest.raises(SystemExit) as caught:
        read(file, place.format(value))
    assert str(caught.value) == f"{file}:2: {value}: is {DIFFERENT[value]}; write which is meant"


@pytest.mark.parametrize("value", ["2020-01-01", "2001-12-14 21:59:43", "="])
def test_what_is_text_in_quotes_only_is_told_so(file: Path, value: str) -> None:
    with pytest.raises(SystemExit, match=re.escape(f'params.yaml:1: {value}: is text only in quotes; write "{value}"')):
        read(file, f"a: {value}")
    assert read(file, f"a: '{value}'") == {"a": value}


def test_a_small_number_as_dvc_writes_it_is_one(file: Path) -> None:
    """`dvc exp run -S finetune.lr=3.0e-5` writes 3e-05, whatever it is given."""
    assert read(file, "a: 3e-05\nb: [1e-10]") == {"a": 3e-05, "b": [1e-10]} == YAML(typ="safe").load(file)


FAULTS = {
    "a: 1\nb: 2\na: 3": r":3: a: this key is there twice, in line 1 too",
    "a: {b: 1, b: 2}": r":1: b: this key is there twice, in line 1 too",
    "5: x": r':1: 5: a key must be a word; write "5"',
    "~: x": r':1: ~: a key must be a word; write "~"',
    "? [1]\n: 2": r":1: .*a key must be a word",
    "a: !!str no": r":1: tag:yaml\.org,2002:str: a tag; write the value without it, and text in quotes",
    "a: !code x": r":1: !code: a tag",
    "a: !!set {x}": r":1: tag:yaml\.org,2002:set: a tag",
    "a: !!python/object/apply:os.system ['true']": r":1: tag:yaml\.org,2002:python.*: a tag",
    "a: &x [1, *x]": r":1: \*: a block may not hold itself",
    "a: *nosuch": r":1: not valid YAML: found undefined alias",
    "a: [1": r":2: not valid YAML: did not find expected",
    "a: 1\n\tb: 2": r":2: not valid YAML: found",
    "a: 1\n---\nb: 2": r":2: not valid YAML: but found another document",
    "- a": r": must hold `name: value` lines, not list",
    "word": r": must hold `name: value` lines, not str",
    "a: \0": r": not valid YAML: .*control characters",
    "a: " + "9" * 5000: r": not valid YAML: Exceeds the limit",
    "a: " + "[" * 100_000: r":1: more than 100 blocks within blocks",
    "\n".join(" " * n + "a:" for n in range(500)): r": more than 100 blocks|:10\d: more than 100 blocks",
}


@pytest.mark.parametrize("text", FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_told_in_one_line(file: Path, text: str) -> None:
    with pytest.raises(SystemExit, match=f"^{re.escape(str(file))}({FAULTS[text]})[^\n]*$"):
        read(file, text)


def test_what_is_no_text_file_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("a: é".encode("latin-1"))
    (tmp_path / "b").write_bytes("a: é".encode("utf-16"))
    for name, message in (
        ("a", "not UTF-8: byte 3"),
        ("b", "not UTF-8: byte 0"),
        ("", "is a folder; a YAML file is needed"),
    ):
        with pytest.raises(SystemExit, match=message):
            read_yaml(tmp_path / name)
    with pytest.raises(SystemExit, match="no such file; run from the root of the project"):
        read_yaml(tmp_path / "params.yaml")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "params.yaml")
    script = "import pathlib, sys; from protomtl.core import yaml_reader as r; r.read_yaml(pathlib.Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", script, pipe], capture_output=True, text=True, timeout=20, check=False)
    assert done.stderr == f"{pipe}: is no ordinary file; a YAML file is needed\n"


def test_an_empty_file_has_no_blocks(file: Path) -> None:
    assert read(file, "") == read(file, "# nothing\n") == {}
    assert read(file, "\ufeffa: 1") == {"a": 1}


def test_names_of_names_are_looked_at_once(file: Path) -> None:
    """Nine lines that would be a billion values."""
    lines = ["a0: &a0 [x]", *(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9))]
    assert len(read(file, "\n".join(lines))) == 10


PLAIN = st.text("0123456789+-_.:eExoXbnaNIif~ yslruet", min_size=1, max_size=8)
SCALARS = st.one_of(
    PLAIN,
    st.from_regex(r"[-+]?[0-9_]{1,4}(\.[0-9_]{0,3})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[-+]?(0x|0o|0b|0)[0-9a-f_]{1,4}", fullmatch=True),
    st.sampled_from(
        ["on", "Off", "y", "n", "TRUE", ".inf", "-.INF", ".nan", "null", "Null", "~", "<<", "=", "1:30:00"]
    ),
    st.floats(allow_nan=False).map(repr),
    st.integers().map(str),
)


@given(value=SCALARS, place=st.sampled_from(["a: {}\n", "a:\n  - {}\n", "a: [b, {}]\n", "{}: b\n", "a: '{}'\n"]))
def test_what_is_read_is_the_same_to_all_readers(file: Path, value: str, place: str) -> None:
    text = place.format(value)
    try:
        content = read(file, text)
    except SystemExit as error:
        assert str(error).startswith(f"{file}") and "\n" not in str(error)
        return
    assert repr(content) == repr(YAML(typ="safe").load(text) or {})
    if repr(content) != repr(yaml.safe_load(text) or {}):  # but for a number as DVC writes it
        assert re.fullmatch(r"-?\d+(\.\d+)?e[-+]\d+", value.strip()) and repr(float(value)) == value.strip()


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text("no1e-:.3'\"\\ é\n", max_size=6)))
def test_what_is_advised_is_the_same_to_all_readers(file: Path, value: Any) -> None:
    assert repr(read(file, f"a: {written(value)}")) == repr({"a": value})


@given(st.one_of(st.binary(max_size=40), st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t", max_size=20).map(str.encode)))
def test_no_bytes_end_in_a_traceback(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        assert isinstance(read_yaml(file), dict)
    except SystemExit as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("text", ["a: [b, 0:0]", "a: {b: 'x', c: http://x}", "a: {x:y: 3}", "a: [x?y]"])
def test_words_in_brackets_that_dvc_would_not_read_need_quotes(file: Path, text: str) -> None:
    with pytest.raises(SystemExit, match=r"params\.yaml:1: .+: in brackets this needs quotes; write \""):
        read(file, text)


def test_a_colon_outside_brackets_or_in_quotes_needs_nothing(file: Path) -> None:
    assert read(file, "a: http://x\nb: [\"1:2\", 'x?']") == {"a": "http://x", "b": ["1:2", "x?"]}
