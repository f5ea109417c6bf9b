"""The model card of an exported model: what it is, what it was trained on, how well it does, and what it is not for."""

from pathlib import Path
from typing import Any

from jinja2 import Template

from protomtl.analysis.caveats import interval, note
from protomtl.core.markdown import UNDEFINED, markdown_table, plain
from protomtl.tasks.settings import Task

TEMPLATE = Path(__file__).with_name("card.md.j2")
TAGS = {"sst": "sentiment", "para": "paraphrase", "sts": "semantic-textual-similarity"}
DATA = {  # licences as far as they are known; the documentation says more
    "starter": "Movie snippets rated by about 20 people (Hutto and Gilbert 2014; the package is MIT, of the sentences "
    "no licence is stated) and the STS Benchmark (Cer et al. 2017; its sources carry different licences).",
    "cs224n": "The CS224N default project's data: the Stanford Sentiment Treebank (no licence stated), Quora "
    "question pairs (Quora's terms, non-commercial) and the STS Benchmark (its sources carry different licences).",
    "folder": "The user's own files.",
}


def text(record: dict[str, Any], trusted: dict[str, Any]) -> str:
    """README.md of the folder; record: protomtl.json; trusted: calibration.json."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"), keep_trailing_newline=True)
    tasks = {name: Task.model_validate(block) for name, block in record["tasks"].items()}
    own = record["data"]["source"] == "folder"
    text: str = template.render(
        record=record,
        tasks=tasks,
        own=own,
        tags=[] if own else [TAGS[name] for name in tasks if name in TAGS],
        figures=figures(record, tasks),
        trust=trust(trusted),
        data=DATA[record["data"]["source"]],
        note=note(record["backbone"]["name"], tasks),
    )
    return text


def figures(record: dict[str, Any], tasks: dict[str, Task]) -> str:
    """A row a task, and overall."""
    rows = [
        [
            f"`{name}`",
            f"{plain(task.what.words(task))}; {task.figure.words}",
            f"{record['data']['rows'][name]:,}",
            cell(record, "dev", name),
            cell(record, "test", name),
        ]
        for name, task in tasks.items()
    ]
    rows.append(["overall", "mean", "", cell(record, "dev", "overall"), cell(record, "test", "overall")])
    return markdown_table(["task", "what", "training rows", "dev", "test"], rows)


def trust(trusted: dict[str, Any]) -> str:
    """A row a task: its temperature, calibration error without and with it, and how well strangers are told."""
    rows = [
        [
            f"`{name}`",
            f"{found['temperature']:.2f}" if "temperature" in found else "",
            *([f"{value:.3f}" for value in found["ece"]] if "ece" in found else ["", ""]),
            found.get("judged", ""),
            found["novelty"]["score"],
            UNDEFINED if found["novelty"]["auroc"] is None else f"{found['novelty']['auroc']:.3f}",
        ]
        for name, found in trusted.items()
    ]
    heads = ["task", "temperature", "ECE without", "ECE with", "measured on", "novelty by", "AUROC"]
    return markdown_table(heads, rows)


def cell(record: dict[str, Any], split: str, figure: str) -> str:
    found = record["figures"][split].get(figure)
    if found is None:
        return "no labels"
    value, low, high = (*found, None, None)[:3]
    return UNDEFINED if value is None else f"{value:.3f} ({interval(low, high)})"
