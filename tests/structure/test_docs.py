"""What README and pages promise: tables are those of the kept runs, diffs apply, sentences are short, links hold."""

import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from protomtl import __version__
from protomtl.commands import findings
from protomtl.publishing import markers
from tests.support import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if page.name != "findings.md"]  # by people
GUIDES = sorted((ROOT / "docs/guides").glob("add-*.md"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
names = {"ids": lambda page: str(page.relative_to(ROOT))}


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 80


@pytest.mark.parametrize("page", PAGES, **names)
def test_tables_are_those_of_the_kept_runs(page: Path) -> None:
    assert markers.render(page.read_text(), ROOT / "docs/runs") == page.read_text()


@pytest.mark.parametrize("marker", ["nothing test", "starter nothing", "starter test nothing", "starter seed 9"])
def test_an_unknown_table_is_an_error_with_file_and_marker(marker: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"<!-- table: {marker} -->\n<!-- /table -->\n")
    with pytest.raises(SystemExit, match=f"page.md: table: {marker}: "):
        markers.update([page], ROOT / "docs/runs")


def test_the_page_of_experiments_names_every_kept_run_of_git() -> None:
    section = (ROOT / "docs/guides/experiments.md").read_text().split("## Keep figures for good\n")[1]
    named = [name for row in re.findall(r"^\| (`[^|]+) \|", section, re.M) for name in re.findall(r"`([^`]+)`", row)]
    known = subprocess.check_output(["git", "ls-files", "docs/runs/*/about.json"], text=True, cwd=ROOT).split()
    assert sorted(named) == sorted(Path(file).parent.name for file in known)


@pytest.mark.parametrize("page", GUIDES, **names)
def test_every_diff_of_a_guide_applies(page: Path, tmp_path: Path) -> None:
    """To these files; of a folder that its user has edited, by a guide or a preset, to those of the last commit."""
    committed = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    for diff in re.findall(r"```diff\n(.*?)```", page.read_text(), re.DOTALL):
        if problem := git(["apply", "--check", "-"], diff):
            git(["read-tree", "HEAD"], more=committed)
            assert not git(["apply", "--cached", "--check", "-"], diff, committed), f"{problem}\n{diff}"
            pytest.skip(f"edited in this folder: {problem.splitlines()[0]}")


@pytest.mark.parametrize("page", GUIDES, **names)
def test_the_table_of_guides_names_the_files_of_each_diff(page: Path) -> None:
    """A new file stands there as NEW.py or NAME.py, and a rule as the folder of rules."""
    (row,) = re.findall(rf"^\|[^|]*\({page.name}\)[^|]*\|([^|]*)\|", (GUIDES[0].parent / "index.md").read_text(), re.M)
    edited = re.findall(r"^--- a/(\S+)$", page.read_text(), re.M)
    short = {re.sub(r"^src/protomtl/|[^/]+\.smk$", "", file) for file in edited}
    if page.name == "add-a-task.md":  # from your own files: by `init`, without its second part
        short = {"params.yaml"}
    assert {name for name in re.findall(r"`([^`]+)`", row) if not re.search(r"(NEW|NAME)\.py$", name)} == short


def git(words: list[str], given: str = "", more: dict[str, str] | None = None) -> str:
    """What git complains of; nothing if all is well."""
    env = {**os.environ, **(more or {})}
    done = subprocess.run(["git", *words], input=given, text=True, cwd=ROOT, capture_output=True, env=env, check=False)
    return done.stderr or "failed" if done.returncode else ""


@pytest.mark.parametrize("page", PAGES, **names)
def test_links_to_files_hold_in_the_repository(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
        assert (page.parent / target).exists(), target


@pytest.fixture(scope="module")
def hooks() -> Any:
    """What the site is made with (docs/hooks.py)."""
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs/hooks.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), **names)
def test_no_link_of_the_site_leads_out_of_it(page: Path, hooks: Any) -> None:
    """`make docs` is strict: what the hooks do not know ends it."""
    assert "](../../" not in hooks.within_site(page.read_text())


def test_the_site_explains_each_parameter_whole(hooks: Any) -> None:
    """Those of blocks within sections too, and what a comment has in braces."""
    table = re.sub(" +", " ", hooks.parameters())
    assert "| `worsened.wrong_labels` | `0.0` | share of the rows that gets another label |" in table
    assert "for each pair task, `{para: concat, sts: separate}` |" in table


@pytest.mark.parametrize("page", WRITTEN, **names)
def test_no_sentence_is_long(page: Path) -> None:
    assert [text for text in sentences(page.read_text()) if len(re.findall(r"\w[\w'.%/+-]*", text)) > 32] == []


def test_what_is_cited_is_the_version_and_day_of_the_last_release() -> None:
    cited = YAML(typ="safe").load(ROOT / "CITATION.cff")
    name, day = re.findall(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(), re.M)[0]
    assert (cited["version"], str(cited["date-released"])) == (name, day) == (__version__, day)


def test_the_layers_of_imports_are_those_that_are_held() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    held = [set(layer.replace("protomtl.", "").split(" | ")) for layer in contract["layers"]]
    (line,) = re.findall(r"^- Down only: (.*)\.$", (ROOT / "CONTRIBUTING.md").read_text(), re.M)
    assert [set(re.findall(r"`(\w+)`", layer)) for layer in line.split(" > ")] == held


def test_an_extra_is_named_in_quotes() -> None:
    """To zsh, the shell of macOS, brackets without them are a pattern of file names, and no match is an error."""
    ours = [path for folder in ("src", "presets", "benchmarks") for path in sorted((ROOT / folder).rglob("*.[py]*"))]
    texts = {
        path: path.read_text(encoding="utf-8") for path in [*PAGES, *ours] if path.suffix in (".md", ".py", ".yaml")
    }
    bare = re.compile(r"pip install (?:-\S+ )*[^\s'\"`]*\[")
    assert [str(path) for path, text in texts.items() if bare.search(text)] == []
    assert sum("pip install '" in text for text in texts.values()) > 10


def sentences(page: str) -> list[str]:
    """The sentences of a page, without code, tables and headings; code in a line and links count as a word or so."""
    page = re.sub(r"```.*?```|<!--.*?-->|<pre.*?</pre>", "\n\n", page, flags=re.DOTALL)
    page = re.sub(r"`[^`]*`", "code", re.sub(r"!?\[([^\]]*)\]\([^)]*\)|\*\*", r"\1", page))
    page = re.sub(r"^\s*(\||#|:::).*$", "", page, flags=re.MULTILINE)
    page = re.sub(r"^\s*([-*]|\d+\.) ", "\n\n", page, flags=re.MULTILINE)
    return [
        text for block in re.split(r"\n\s*\n", page) for text in re.split(r"(?<=[.!?])\s+", " ".join(block.split()))
    ]


def test_every_test_that_the_page_of_faults_names_is_there() -> None:
    """In one place: a name says which it is."""
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/reference/faults.md").read_text()))
    there = [name for path in TESTS for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)]
    assert len(named) > 60 and not [name for name in sorted(named) if there.count(name) != 1]


def test_what_the_page_of_the_paper_names_is_in_the_code() -> None:
    """Each row says a file and what in it; a name elsewhere would send a reader astray."""
    page = (ROOT / "docs/reference/how-the-paper-was-read.md").read_text()
    named = re.findall(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", page)
    assert len(named) > 10
    for file, names in named:
        code = (ROOT / "src/protomtl" / file).read_text()
        for name in re.findall(r"\w+", names):
            assert re.search(rf"^(def|class) {name}\b", code, re.MULTILINE), f"{file}: {name}"


def test_the_page_of_packed_bert_names_each_file() -> None:
    named = re.findall(r"^\| `(\w+\.py)` \|", (ROOT / "docs/concepts/packed-bert.md").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (ROOT / "src/protomtl/model/packed").glob("[!_]*.py"))


def test_the_page_of_findings_is_what_the_kept_runs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert findings.page(findings.kept_runs()) == findings.PAGE.read_text()
