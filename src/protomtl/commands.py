"""The arguments of the commands that use a trained model; light, so that --help is quick."""

import argparse

from protomtl import records
from protomtl.paths import EXPORT

HELP = {
    "predict": "what a task's head says of your texts",
    "similar": "for each text the nearest ones among others",
    "classify": "a new classification from a few labelled texts of each class; nothing is trained",
}
EXAMPLES = {
    "export": """
  protomtl export prototypical --to ~/models/prototypical
  protomtl export best --seed 2 --to model""",
    "predict": """
  protomtl predict --model results/export --task sst --input reviews.csv --columns review --output scored.csv
  protomtl predict --model results/export --task sts --input pairs.jsonl --columns left right --output scored.jsonl
  cat lines.txt | protomtl predict --model results/export --task sst""",
    "embed": """
  protomtl embed --model results/export --input texts.csv --output vectors.npy
  cat lines.txt | protomtl embed --model results/export > vectors.jsonl""",
    "demo": """
  protomtl demo
  protomtl demo --model ~/models/prototypical --port 9000""",
    "similar": """
  protomtl similar --model results/export --input questions.txt --among answers.csv --top 3""",
    "classify": """
  protomtl classify --model results/export --support labelled.csv --input texts.csv --output classes.csv
  protomtl classify --model results/export --support labelled.csv --label topic --input lines.txt""",
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """predict, similar and classify, and what `embed` and `export` take beside being steps."""
    for name, words in HELP.items():
        add_arguments(commands.add_parser(name, help=words, description=words), name)
    add_arguments(commands.choices["embed"], "embed")
    export = commands.choices["export"]
    export.add_argument("method", nargs="?", help="a method that was run; without it the one in params.yaml, as a step")
    export.add_argument("--seed", type=int, default=1, help="of the run (default: 1)")
    export.add_argument("--to", metavar="DIR", help="a new or empty folder, or an older export, which is replaced")
    demo = commands.add_parser("demo", help="a page to type sentences into; needs the extra `demo`")
    demo.add_argument("--model", default=str(EXPORT), metavar="DIR", help="an exported folder (default: %(default)s)")
    demo.add_argument("--host", default="127.0.0.1", help="0.0.0.0 shows it to your network (default: this machine)")
    demo.add_argument("--port", type=int, default=8501, help="(default: %(default)s)")
    for name, examples in EXAMPLES.items():
        commands.choices[name].formatter_class = argparse.RawDescriptionHelpFormatter
        commands.choices[name].epilog = f"examples:{examples}"


def add_arguments(command: argparse.ArgumentParser, name: str) -> None:
    """The arguments of a command that uses an exported model."""
    add = command.add_argument
    needed = " (without it, the step of the pipeline)" if name == "embed" else ""
    add("--model", required=not needed, metavar="DIR", help=f"what `protomtl export` wrote{needed}")
    add("--input", default="-", metavar="FILE", help=".csv, .tsv, .jsonl, or .txt (a text a line); -: standard input")
    written = ".npy or .jsonl; -: JSON lines" if name == "embed" else ".csv or .jsonl; -: CSV"
    add("--output", default="-", metavar="FILE", help=f"{written} to standard output")
    add("--format", choices=sorted({*records.FORMATS.values()}), help="of the input, if its ending does not say")
    add("--columns", nargs="+", metavar="NAME", help="of the text, or of both texts of a pair (default: text)")
    if name == "predict":
        add("--task", required=True, help="one of the model's tasks, such as sst, para or sts")
    if name == "similar":
        add("--among", required=True, metavar="FILE", help="the rows to search")
        add("--top", type=int, default=5, metavar="N", help="rows to show of each (default: 5)")
    if name == "classify":
        add("--support", required=True, metavar="FILE", help="a few labelled rows of each class")
        add("--label", default="label", metavar="NAME", help="column of the label in --support (default: label)")
    add("--precision", choices=("auto", "bf16", "fp32"), default="fp32", help="auto is bf16 where that is faster")
    add("--threads", type=int, default=1, metavar="N", help="of the CPU (default: 1)")
