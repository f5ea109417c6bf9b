"""Designs of several runs: each cell once, params.yaml as it was; and a curve of training under stress."""

import errno
import re
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import cells, low_data, robust
from benchmarks.cells import Cell
from protomtl.commands import preset
from protomtl.core.files import is_running, read_record, write_json
from protomtl.core.users_files import BadPath
from protomtl.params import load
from protomtl.receipt.here import settings
from tests.support import ROOT
from tests.support.commands import environment
from tests.support.kills import PATIENCE, until


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    preset.apply("robust")
    return tmp_path


def keep(name: str, figure: float = 0.5) -> None:
    """What `protomtl keep` leaves of a run with two methods."""
    folder = Path("docs/runs") / name
    folder.mkdir(parents=True)
    worsened = load().data.worsened
    about = {"worsened": worsened.model_dump()} if worsened.active else {}
    write_json(folder / "about.json", about | {"data": load().data.source, "parts": [{"seeds": load().seeds}]})
    figures = {"sst": figure, "sst_sd": 0.1, "sst_low": figure - 0.1, "sst_high": figure + 0.1, "seeds": "1"}
    rows = [{"method": method, "label": method.upper()} | figures for method in ("concat", "leave_one_out")]
    pd.DataFrame(rows).to_csv(folder / "tables-table2.csv", index=False)


def test_each_cell_is_computed_by_its_own_settings_and_the_file_is_as_it_was(project: Path) -> None:
    before, seen = Path("params.yaml").read_bytes(), {}
    cells.run(robust.design, lambda cell: seen.update({cell.name.removeprefix("robust-"): load()}), keep)
    assert [*seen] == [*robust.CELLS] and Path("params.yaml").read_bytes() == before
    worsened = {cell: params.data.worsened for cell, params in seen.items()}
    assert not worsened["whole"].active and seen["whole"].perturb.rows == 0
    assert worsened["rows16"].rows == 16 and seen["rows16"].perturb.rows > 0
    assert (worsened["next40"].wrong_labels, worsened["next40"].to) == (0.4, "next")
    assert worsened["rare50"].imbalance == 50
    trained = [m for m in seen["rare50"].methods if not m.startswith("frozen")]
    assert trained == ["concat_longer", "softmax_pretrained", "leave_one_out"] and "concat" in seen["whole"].methods
    assert {p.name for p in Path("docs/runs").iterdir()} == {f"robust-{cell}" for cell in robust.CELLS}


def test_it_goes_on_where_it_was_interrupted(project: Path) -> None:
    before, seen = Path("params.yaml").read_bytes(), []

    def interrupted(cell: Cell) -> None:
        seen.append(cell.name)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cells.run(robust.design, interrupted, keep)
    assert Path("params.yaml").read_bytes() == before
    again: list[Cell] = []
    cells.run(robust.design, again.append, keep)
    assert [cell.name for cell in again] == [f"robust-{cell}" for cell in robust.CELLS][2:]


ENGINE = """#!/bin/sh
sleep 600 &
echo $! > trainer.part && mv trainer.part trainer
wait
"""


def as_a_background_job() -> None:
    """Whatever the tests themselves were started by: `nohup` would hold off the end of a terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_where_it_is_asked_to_end_the_file_is_as_it_was_and_nobody_trains_on(
    number: signal.Signals, project: Path
) -> None:
    """As a background job, which ignores Ctrl-C, and so do the jobs of its engine."""
    keep("robust-whole")  # the first cell leaves the file as it is
    before, engine = Path("params.yaml").read_bytes(), project / "snakemake"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    own = environment()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.robust"],
        env={**own, "PATH": f"{project}:{own['PATH']}", "PYTHONPATH": f"{own['PYTHONPATH']}:{ROOT}"},
        preexec_fn=as_a_background_job,
    ) as running:
        until(lambda: Path("trainer").exists() or running.poll() is not None, "the training")
        within = Path("params.yaml").read_bytes()
        for _ in range(2):  # `timeout make robust` sends it twice
            running.send_signal(number)
        assert running.wait(PATIENCE) == 128 + number
    assert within != before == Path("params.yaml").read_bytes()
    until(lambda: not is_running(int(Path("trainer").read_text())), "the end of the training")


def test_what_somebody_writes_while_a_cell_runs_stays_and_what_was_there_can_be_had_again(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cell itself is kept; the next one does not begin with settings of this one."""
    before, seen, path = Path("params.yaml").read_bytes(), [], Path("params.yaml")

    def compute(cell: Cell) -> None:
        seen.append(cell.name)
        if cell.name == "robust-wrong20":
            path.write_text(path.read_text().replace("seeds: [1, 2, 3]", "seeds: [1, 4]"))

    with pytest.raises(SystemExit) as caught:
        cells.run(robust.design, compute, keep)
    said = capsys.readouterr().err
    assert caught.value.code == 1 and said.startswith("params.yaml: was edited while robust-wrong20 ran, and stays so")
    assert (
        load().seeds == [1, 4]
        and load().data.worsened.wrong_labels == 0.2
        and seen == ["robust-whole", "robust-wrong20"]
    )
    with pytest.raises(SystemExit, match=r"params\.yaml\.before: a cell was killed and has left what"):
        cells.run(robust.design, compute, keep)
    assert "`mv params.yaml.before params.yaml`" in said and Path("params.yaml.before").read_bytes() == before


def test_an_edit_while_a_cell_fails_stays_and_the_fault_is_said_too(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def compute(cell: Cell) -> None:
        Path("params.yaml").unlink()
        raise SystemExit("why")

    with pytest.raises(SystemExit, match="why"):
        cells.run(robust.design, compute, keep)
    assert "was edited while robust-whole ran" in capsys.readouterr().err and not Path("params.yaml").exists()


def test_an_edit_before_a_cell_runs_is_none_of_the_cell(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "lay_over", lambda *_: Path("params.yaml").write_text("mine"))
    with pytest.raises(SystemExit, match="has been changed in the meantime; nothing was written"):
        cells.run(robust.design, lambda cell: None, keep)
    assert Path("params.yaml").read_text() == "mine" and not Path("params.yaml.before").exists()


def test_a_cell_that_fails_is_one_line_with_its_log_and_what_to_do(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, engine = Path("params.yaml").read_bytes(), project / "snakemake"
    engine.write_text("#!/bin/sh\nmkdir -p .snakemake/log && touch .snakemake/log/now.snakemake.log\nexit 3\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(project), prepend=":")
    keep("robust-whole")
    with pytest.raises(SystemExit) as caught:
        cells.run(robust.design, keep=keep)
    assert caught.value.code == (
        "docs/runs/robust-wrong20: not computed: snakemake ended with status 3; "
        ".snakemake/log/now.snakemake.log says why, and logs/ what each job printed; then give this command again, "
        "which goes on there"
    )
    assert Path("params.yaml").read_bytes() == before


def test_rows_that_are_worse_already_are_no_beginning(project: Path) -> None:
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("    rows: 0  ", "    rows: 9  "))
    with pytest.raises(SystemExit, match=r"data\.worsened: is set already"):
        cells.run(robust.design, lambda cell: None, keep)


def test_cells_of_other_data_are_not_passed_over(project: Path) -> None:
    cells.run(robust.design, lambda cell: None, keep)
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("source: starter ", "source: cs224n "))
    with pytest.raises(SystemExit, match=r"params\.yaml has: data starter -> cs224n; `--name NAME`"):
        cells.run(robust.design, lambda cell: None, keep)
    cells.run(partial(robust.design, name="mine"), lambda cell: None, keep)
    assert len(robust.table("mine")) == len(robust.table()) and {*robust.table()["cell"]} == {*robust.CELLS}


def test_the_table_has_what_was_done_and_the_figures(project: Path) -> None:
    with pytest.raises(SystemExit, match="no cell is kept yet"):
        robust.table()
    cells.run(robust.design, lambda cell: None, keep)
    rows = robust.table()
    assert len(rows) == 2 * len(robust.CELLS)
    assert {*rows.loc[rows["cell"].str.startswith("rows"), "rows"]} == {16, 64, 256, 1024}
    assert {*rows.loc[rows["cell"] == "wrong40", "wrong_labels"]} == {0.4}
    robust.draw(rows, project / "robust.png")
    assert (project / "robust.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds: [1, 2, 3]", "seeds: [1, 2, 3, 4]", "no seed 4"),
        ("  lr: 3.0e-4", "  lr: 2.0e-4", "lr 0.0003 -> 0.0002"),
    ],
)
def test_cells_of_other_settings_are_not_passed_over(old: str, new: str, said: str, project: Path) -> None:
    """Neither those of fewer seeds: the table would have means of one beside those of three."""
    params, path = load(), project / "params.yaml"
    keep("robust-whole")
    about = read_record("docs/runs/robust-whole/about.json")
    write_json("docs/runs/robust-whole/about.json", settings(params) | about)
    assert path.read_text().count(old)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=f"robust-whole: is not of what params.yaml has: .*{said}; `--name"):
        cells.run(robust.design, lambda cell: None, keep)


def test_what_was_there_can_be_had_again_after_a_kill(project: Path) -> None:
    """SIGKILL lets nothing be put back."""
    before = Path("params.yaml").read_bytes()
    keep("robust-whole")

    def killed(cell: Cell) -> None:
        shutil.copy("params.yaml", "params.left")
        shutil.copy("params.yaml.before", "before.left")

    cells.run(robust.design, killed, keep)
    assert Path("before.left").read_bytes() == before and not Path("params.yaml.before").exists()
    shutil.copy("params.left", "params.yaml")
    shutil.copy("before.left", "params.yaml.before")
    with pytest.raises(SystemExit, match=r"`mv params\.yaml\.before params\.yaml` brings it back, .*; then give"):
        cells.run(robust.design, killed, keep)


def test_what_a_kill_in_the_first_cell_left_is_not_taken_for_the_users(project: Path) -> None:
    """That cell sets nothing, but its file has another style; the next cell would keep that as what was there."""
    path, before = Path("params.yaml"), Path("params.yaml").read_bytes() + b"\n\n#   mine"
    path.write_bytes(before)

    def killed(cell: Cell) -> None:
        shutil.copy("params.yaml", "params.left")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cells.run(robust.design, killed, keep)
    assert path.read_bytes() == before != Path("params.left").read_bytes()
    shutil.copy("params.left", "params.yaml")
    Path("params.yaml.before").write_bytes(before)
    with pytest.raises(SystemExit, match=r"`mv params\.yaml\.before params\.yaml` brings it back, `rm "):
        cells.run(robust.design, lambda cell: None, keep)
    assert Path("params.yaml.before").read_bytes() == before and not Path("docs/runs").exists()


def test_a_full_disk_does_not_take_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights and a link stay, too."""
    path, before = Path("params.yaml"), Path("params.yaml").read_bytes()
    Path("elsewhere").mkdir()
    path.rename("elsewhere/mine.yaml")
    path.symlink_to("elsewhere/mine.yaml")
    path.chmod(0o640)
    keep("robust-whole")  # the first cell sets nothing

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    def compute(cell: Cell) -> None:
        assert path.read_bytes() != before
        monkeypatch.setattr(Path, "write_bytes", full)
        raise SystemExit("full")

    with pytest.raises(SystemExit, match="full"):
        cells.run(robust.design, compute, keep)
    assert path.read_bytes() == before and path.is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert not Path("params.yaml.before").exists()


def test_two_at_once_do_not_put_back_each_others_file(project: Path) -> None:
    said = []

    def compute(cell: Cell) -> None:
        with pytest.raises(SystemExit) as caught:
            cells.run(robust.design, lambda cell: None, keep)
        said.append(caught.value.code)
        assert Path("params.yaml.before").exists()

    cells.run(robust.design, compute, keep)
    assert {*said} == {".state/cells.lock: another run of cells is under way in this folder; wait for its end"}


def test_cells_that_a_task_cannot_have_do_not_stop_the_others(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "params.yaml"
    seen: list[Cell] = []
    path.write_text(re.sub("    ordered: true .*\n", "", path.read_text(), count=1))
    cells.run(robust.design, seen.append, keep)
    assert [c.name for c in seen] == [f"robust-{cell}" for cell in robust.CELLS if not cell.startswith("next")]
    assert "next20: left out: the classes of tasks.sst have no order\n" in capsys.readouterr().out


def test_a_cell_that_cannot_be_written_is_one_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str, findings: bool) -> None:
        raise BadPath(f"docs/runs/{name}: Read-only file system; name another place")

    before = Path("params.yaml").read_bytes()
    monkeypatch.setattr(cells, "keep", refused)
    with pytest.raises(SystemExit, match=r"docs/runs/robust-whole: Read-only file system.*what is computed stays"):
        cells.run(robust.design, lambda cell: None)
    assert Path("params.yaml").read_bytes() == before


def test_few_rows_are_drawn_anew_on_each_split_and_cells_that_are_kept_are_passed_over(project: Path) -> None:
    shutil.copytree(ROOT / "docs/research", "docs/research")
    preset.apply("questions")
    preset.apply("low_data")
    seen = {}
    cells.run(low_data.design, lambda cell: seen.update({cell.name: load().data}), keep)
    assert [(data.split_seed, data.worsened.seed, data.worsened.rows) for data in seen.values()] == [
        (2023 + draw, draw, rows) for draw in (1, 2, 3) for rows in (16, 64, 256, 1024)
    ]
    assert [*seen] == sorted(seen, key=lambda name: [*map(int, name.split("-")[2:])])
    about = read_record("docs/runs/low-data-2-64/about.json")
    write_json("docs/runs/low-data-2-64/about.json", settings(load()) | about | {"split_seed": 2025})
    again: list[Cell] = []
    cells.run(low_data.design, again.append, keep)
    assert not again
