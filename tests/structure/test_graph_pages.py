"""What pages say of the graph: stages, rooms, which edit runs which stages again, what jobs ask a cluster for."""

import re
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from protomtl import pipeline_figure
from tests.support import ROOT
from tests.support.commands import call
from tests.support.graph import STAGES, rerun_by
from tests.support.imports import PACKAGE
from tests.support.reruns import RERUNS


def test_the_readme_shows_stages_in_the_order_of_the_graph_and_where_their_results_are() -> None:
    """A new stage may have its row later."""
    section = (ROOT / "README.md").read_text().split("## The pipeline\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", section, re.M)
    assert len(rows) > 15 and [name for name, _ in rows] == [name for name in STAGES if name in dict(rows)]
    for name, places in rows:
        assert {out.startswith(tuple(re.findall(r"`([^`]+)`", places))) for out in STAGES[name]["outs"]} == {True}, name


def guided_stage(folder: Path) -> Path:
    """These files with a stage more, by the very diffs of the guide; not where it was followed here."""
    if (PACKAGE / "steps/calibration.py").exists():
        pytest.skip("the stage of the guide is here")
    page = (ROOT / "docs/guides/add-a-stage.md").read_text()
    for diff in re.findall(r"```diff\n(.*?)```", page, re.DOTALL):
        for name in re.findall(r"^--- a/(\S+)$", diff, re.M):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        (folder / "change.diff").write_text(diff)
        call(folder, "git", "apply", "change.diff")
    return folder


def test_the_page_on_clusters_says_what_jobs_ask_for() -> None:
    check_page_on_clusters(ROOT)


def test_a_stage_that_the_guide_adds_leaves_the_page_on_clusters_true(tmp_path: Path) -> None:
    check_page_on_clusters(guided_stage(tmp_path))


def check_page_on_clusters(root: Path) -> None:
    """Of a group the memory of stages that may run side by side, and the minutes of those that follow each other."""
    slurm = YAML(typ="safe").load(root / "profiles/slurm/profile.yaml")
    behind = pipeline_figure.read_graph(root / "dvc.yaml")
    asks = {stage: slurm["default-resources"] | slurm["set-resources"].get(stage, {}) for stage in behind}
    group = dict(word.split("=") for word in slurm["groups"])
    page = (root / "docs/guides/cluster.md").read_text()
    said: set[str] = set()
    for stages, minutes, memory in re.findall(r"^\| [^|]+ \| (`[^|]+) \| (\d+) \| (\d+) \|$", page, re.M):
        layers = [re.findall(r"`(\w+)`", words) for words in stages.split(", then ")]
        if layers[0][0] not in group:
            layers = [[stage] for stage in layers[0]]  # jobs of their own
            assert {(asks[s]["runtime"], asks[s]["mem_mb"]) for (s,) in layers} == {(int(minutes), int(memory))}
        else:
            members = {stage for layer in layers for stage in layer}
            assert members == {stage for stage in group if group[stage] == group[layers[0][0]]}
            assert sum(max(asks[s]["runtime"] for s in layer) for layer in layers) == int(minutes)
            assert max(sum(asks[s]["mem_mb"] for s in layer) for layer in layers) == int(memory)
            for place, layer in enumerate(layers):  # nothing in it waits for less than the layer before
                before = {s for earlier in layers[:place] for s in earlier}
                assert all(behind[s] & members <= before for s in layer)
                assert not place or all(behind[s] & {*layers[place - 1]} for s in layer)
        said |= {stage for layer in layers for stage in layer}
    assert said == set(behind)


def table_of_page(heading: str) -> dict[str, set[str]]:
    """Rooms and files in a table of the page on the pipeline, with the stages that its rows name."""
    section = (ROOT / "docs/concepts/pipeline.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    shown = {}
    for first, second, last in re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", section, re.M):
        named = set(re.findall(r"`(\w+)`", last))
        places = re.findall(r"`([\w./]+)`", first if heading == "Rooms" else second)
        shown |= dict.fromkeys(places, {*STAGES} - named if last.startswith("all") else named)
    return shown


def test_the_page_shows_which_edit_concerns_which_stages() -> None:
    shown = table_of_page("Which edit re-runs what")
    assert shown.pop("steps/NAME.py") == shown.pop("dvc.yaml") == set()  # a new stage, which has a test of its own
    assert len(shown) == 14 and {place for place in shown if place.endswith(".py")} <= RERUNS.keys()
    for place, stages in shown.items():
        assert rerun_by(PACKAGE / place) == stages, place


def test_the_page_shows_each_room_and_the_stages_that_depend_on_it() -> None:
    shown = table_of_page("Rooms")
    there = {path.name for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert shown.keys() == {name for name in there if not name.startswith("_")} - {"steps"}
    for name, stages in shown.items():
        assert rerun_by(PACKAGE / name) == stages, name


GUIDED = [  # stages that a guide says are run again, and the first file of the diff that follows
    (page.name, set(re.findall(r"`(\w+)`", said)), file)
    for page in sorted((ROOT / "docs/guides").glob("add-*.md"))
    for said, file in re.findall(r"re-runs ((?:`\w+`(?:, | and )?)+).*?^\+\+\+ b/(\S+)", page.read_text(), re.M | re.S)
]


@pytest.mark.parametrize(("page", "said", "file"), GUIDED)
def test_a_guide_names_the_stages_that_its_code_runs_again(page: str, said: set[str], file: str) -> None:
    assert rerun_by(ROOT / file) == said


def test_guides_are_read() -> None:
    assert {page for page, *_ in GUIDED} == {
        *("add-a-metric.md", "add-a-task.md", "add-an-objective.md", "add-an-option.md"),
    }
