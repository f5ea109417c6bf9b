"""What the benchmarks count is right; the times themselves are no tests."""

import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import engine, extrapolate, flat, gpu, graph, many_classes, measure, picture, workload
from tests.support import ROOT


def test_the_operations_of_a_forward_pass_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data/backbone").mkdir(parents=True)
    shape = {"hidden_size": 2, "intermediate_size": 8, "num_hidden_layers": 3}
    Path("data/backbone/config.json").write_text(json.dumps(shape))
    weights = 3 * (4 * 2 * 2 + 2 * 2 * 8)  # four square maps and two of the inner width, in three layers
    attention = 3 * 2 * 2 * 2 * 5 * 5  # two products of two operations a term: scores and context, 5 × 5 × width
    assert workload.flops(np.array([5])) == 2 * weights * 5 + attention
    assert workload.flops(np.array([5, 5])) == 2 * workload.flops(np.array([5]))


def test_the_table_has_the_median_and_the_spread(tmp_path: Path) -> None:
    fastest = dict.fromkeys((f"{kind} {name}" for kind, name in engine.BEST), "fp32")
    rows: list[dict[str, Any]] = [engine.row_of(*row, "cpu", fastest) for row in engine.ROWS]
    for row in rows:
        row |= {"per_second": [100.0, 90.0, 130.0], "gigabytes": [1.5, 1.75], "utilisation": 0.5}
    lines = engine.table(rows).splitlines()
    assert len(lines) == len(engine.ROWS) + 2
    assert lines[2] == "| training: protomtl (2 threads) | 100 | 90 to 130 | 50% | 1.75 |"
    assert lines[3].startswith("| training: trainer, best, fp32 (2 threads) |")
    assert rows[3]["precision"] == rows[4]["precision"] == "fp32"
    picture.draw(rows, tmp_path / "bars.png", engine.label)
    assert (tmp_path / "bars.png").stat().st_size > 10_000


@pytest.mark.parametrize(("distance", "kind"), [*itertools.product(many_classes.DISTANCES, many_classes.KINDS)])
def test_a_case_of_many_classes_is_a_loss_and_its_gradient(
    distance: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_classes, "CLASSES", 5)
    monkeypatch.setattr(many_classes, "WIDTH", 4)
    monkeypatch.setattr(many_classes.torch, "set_num_threads", lambda number: None)
    found = many_classes.case(40, kind, distance)
    assert found["forward"] > 0 and found["backward"] > 0 and {*found} == {"forward", "backward", "taken"}


def test_what_a_command_costs() -> None:
    code = "import time; held = bytearray(200_000_000); held[::4096] = b'x' * len(held[::4096]); print('done'); "
    code += "time.sleep(1)"  # the memory is looked at every 0.02 s
    found, said = measure.command(sys.executable, "-c", code)
    assert said == "done\n"
    assert 200 < found["megabytes"] < 300 and found["seconds"] > 0 and "unfinished" not in found
    found, _ = measure.command("sleep", "60", limit=0.2)
    assert found["unfinished"] and found["seconds"] < 30
    with pytest.raises(SystemExit, match="failed"):
        measure.command("false")


def test_the_power_with_which_a_graph_grows() -> None:
    rows: list[dict[str, Any]] = [{"stages": n, "job": {"processor": n * n / 1e4}} for n in (10, 100, 1000)]
    assert graph.power(rows, "job") == pytest.approx(2)
    rows[-1]["job"] = {"processor": 9.0, "unfinished": True}  # no figure
    assert graph.power(rows, "job") == pytest.approx(2)


def test_the_arithmetic_of_a_large_training_by_hand() -> None:
    weights = 6 * (4 * 384**2 + 2 * 384 * 1536)
    assert extrapolate.training_flops(40) == 3 * (40 * 2 * weights + 6 * 4 * 384 * 40**2)
    assert [extrapolate.duration(s) for s in (1.5, 119, 150, 7200, 200_000)] == [
        *["1.5 s", "119.0 s", "2.5 min", "2.0 h", "2.3 d"]
    ]


def test_the_page_has_the_tables_that_the_kept_figures_give() -> None:
    page = (ROOT / "docs/results/scale.md").read_text(encoding="utf-8")
    tables = (extrapolate.training(), extrapolate.communication(), extrapolate.data())
    assert [table for table in tables if table not in page] == []


@pytest.fixture
def peaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """Of a processor's products, which a test sets."""
    found = {"bf16": 2e9, "fp32": 1e9}
    monkeypatch.setattr(workload, "peak", lambda precision, threads, device: found[precision])
    engine.precisions.cache_clear()
    yield found
    engine.precisions.cache_clear()


def test_an_emulated_precision_is_not_tried(monkeypatch: pytest.MonkeyPatch, peaks: dict[str, float]) -> None:
    peaks["fp32"] = 100e9
    monkeypatch.setattr(engine, "run", None)
    assert engine.precision_of_best("training", "trainer", "cpu") == "fp32"


def test_a_peak_that_takes_long_is_measured_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[float] = []
    monkeypatch.setattr(workload, "timed", lambda function: taken.append(2.0) or 2.0)
    assert workload.peak("fp32", 1) == 2 * 1024**3 / 2.0 and len(taken) == 3


def test_what_torch_is_kept_to_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    assert "held to" not in workload.hardware("cpu")
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    assert "held to avx2" in workload.hardware("cpu")


@pytest.mark.usefixtures("peaks")
def test_a_peers_best_is_the_precision_that_is_faster_here(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"trainer-bf16": 2.0, "trainer-fp32": 1.0}
    monkeypatch.setattr(engine, "run", lambda kind, name, *_: [{"sequences": 128, "seconds": seconds[name]}])
    assert engine.precision_of_best("training", "trainer", "cpu") == "fp32"
    seconds["trainer-bf16"] = 0.5
    assert engine.precision_of_best("training", "trainer", "cpu") == "bf16"


def test_the_hardware_has_a_name() -> None:
    assert len(workload.hardware("cpu")) > 5


def test_what_one_gpu_tells_is_written_after_each_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seconds = {"protomtl": 1.0, "protomtl-compiled": 0.5, "trainer-bf16": 2.0, "trainer-fp32": 4.0}
    seconds |= {"sentence_transformers-fp32": 3.0, "sentence_transformers-bf16": 4.0}

    def run(kind: str, name: str, *job: Any) -> list[dict[str, Any]]:
        return [
            {"sequences": 120, "seconds": seconds.get(name, 5.0), "gigabytes": 1, "losses": [1.0], "weights": [name]}
        ]

    for module in (gpu, engine):
        monkeypatch.setattr(module, "run", run)
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    gpu.main(["repeats", "training", "encoding"], tmp_path, "cpu")
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["repeats"]["protomtl"] == {"losses": True, "weights": True}
    rows = found["training"]["512 pairs"]
    assert [rows[name]["ratio"] for name in ("protomtl", "protomtl-compiled")] == [2.0, 4.0]
    assert set(found["encoding"]) == {*("protomtl", "sentence_transformers-fp32", "sentence_transformers-default")}
    assert set(found["seconds"]) == {"repeats", "training", "encoding"}


def test_the_picture_of_what_is_linear_and_flat(tmp_path: Path) -> None:
    figures = {"processor": 2.0, "megabytes": 300}
    rows = [{"rows": size, "what": name, **figures} for name in flat.STREAMS for size in flat.TEXTS]
    rows += [
        {"rows": size, "what": name, **figures}
        for name in ("prepare", "tokens", "pretrain", "finetune")
        for size in flat.PAIRS
    ]
    picture.flat(rows, tmp_path / "flat.png")
    assert (tmp_path / "flat.png").stat().st_size > 10_000
    lines = re.sub(" +", " ", flat.table(rows)).splitlines()
    assert lines[0] == "| | 10,000: s | MB | 100,000: s | MB | 1,000,000: s | MB |"
    assert lines[2] == "| predict | 2.0 | 300 | 2.0 | 300 | 2.0 | 300 |"
