"""Where everything lies. A stage's results are results/STAGE, of one method and seed results/STAGE/METHOD/seedN."""

import os
from pathlib import Path

RAW = Path("data/raw")
BACKBONE = Path("data/backbone")
PREPARED = Path("data/prepared")
TOKENS = Path("data/tokens")
PERTURBED = Path("data/perturbed")

RESULTS = Path("results")
WRITTEN = (RAW, BACKBONE, PREPARED, TOKENS, PERTURBED, RESULTS)  # a step replaces what is there
RUNS = RESULTS / "runs.csv"  # which methods and seeds there are: what is behind the trainings reads this list
KEPT = Path("docs/runs")  # runs that are kept for good
CURRENT = KEPT / "current"  # main figures and curves of the last run, in git: dvc.yaml names them for clones

# No outputs of a stage; training/timing.py, commands/summary.py, receipt/ and training/resume.py say why.
TIMING = RESULTS / "timing"
SUMMARY = RESULTS / "summary"
RECEIPT = RESULTS / "receipt"
STATE = Path(".state")
FETCHED = STATE / "fetched"  # archives of packages and files, as they came; what is there is not fetched again
LIVE = "live.json"  # beside the state of a training: what its live curves are of

TREES = "sst-trees-train.txt"  # in RAW: a task with this training file learns from the phrases of its trees

# In an exported folder.
CARD = "README.md"  # which people edit
RECORD, PROTOTYPES, MAP = "protomtl.json", "prototypes.safetensors", "map.safetensors"
CALIBRATION, EXAMPLES, EXAMPLE_VECTORS = "calibration.json", "examples.json", "examples.safetensors"
READOUT = "readout.safetensors"  # also of step `evaluate`, which fits it
ONNX = Path("onnx")  # of format onnx
STATIC, STATIC_HEADS = Path("0_StaticEmbedding/model.safetensors"), "static-heads.safetensors"  # of format static


def real(path: Path | str) -> Path:
    """`Path.resolve`, also of links that lead to themselves: up to Python 3.12 that is a RuntimeError."""
    return Path(os.path.realpath(path))


def check_fetched(folder: Path) -> None:
    """SystemExit for the pipeline's encoder where step `backbone` has not made it: transformers would blame the hub."""
    if folder == BACKBONE and not (config := folder / "config.json").is_file():
        raise SystemExit(f"{config}: not there: the encoder is not fetched yet; `snakemake --cores 4 {folder}` does it")


def results(stage: str, method: str | None = None, seed: int | None = None) -> Path:
    """The folder of a stage's results, or of one run's results of that stage."""
    folder = RESULTS / stage
    return folder if method is None else folder / method / f"seed{seed}"
