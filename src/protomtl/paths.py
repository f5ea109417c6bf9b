"""Where each step puts its results; dvc.yaml names the same places, and tests hold both together."""

from pathlib import Path

RAW = Path("data/raw")
BACKBONE = Path("data/backbone")
PREPARED = Path("data/prepared")
TOKENS = Path("data/tokens")

REPORT = Path("results/prepare")
PRETRAIN = Path("results/pretrain")
FINETUNE = Path("results/finetune")
TRAIN_CURVES = Path("results/curves/train")  # loss of each step
DEV_CURVES = Path("results/curves/dev")  # figures of each epoch
EVALUATE = Path("results/evaluate")
EMBED = Path("results/embed")
ENSEMBLE = Path("results/ensemble")
EXPORT = Path("results/export")
TABLES = Path("results/tables")
RUNS = Path("docs/runs")  # kept for good
FIGURES = Path("results/figures")
PAGES = Path("results/report")

# No outputs of a stage; timing.py, summary.py and state.py say why.
TIMING = Path("results/timing")
SUMMARY = Path("results/summary")
STATE = Path(".state")

# In an exported folder.
RECORD, PROTOTYPES, MAP = "protomtl.json", "prototypes.safetensors", "map.safetensors"

SNIPPETS = {  # the starter data's tasks of rated snippets, and their files
    "sst": "movieReviewSnippets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "editorial": "nytEditorialSnippets_GroundTruth.txt",
}


def run_folder(root: Path, method: str, seed: int) -> Path:
    """The folder of one method and seed below a step's results."""
    return root / method / f"seed{seed}"
