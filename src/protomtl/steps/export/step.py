"""Step `export`: a trained model as a folder that leaves the pipeline, results/export."""

import argparse
import sys
from pathlib import Path

from protomtl.core import paths
from protomtl.core.files import atomic
from protomtl.core.paths import CALIBRATION, MAP, ONNX, PROTOTYPES, RECORD, STATIC, STATIC_HEADS, results
from protomtl.core.sections import argument
from protomtl.core.settings import Seed
from protomtl.core.users_files import BadPath, users_folder, users_home
from protomtl.steps.export.build import build, convert
from protomtl.steps.export.onnx import TORCH_ONLY
from protomtl.steps.export.settings import Examples, Export

EXAMPLES = """
  protomtl export prototypical --to ~/models/prototypical
  protomtl export best --seed 2 --to model
  protomtl export best --format onnx-int8 --to small
without METHOD it is the stage of the pipeline, which writes results/export by torch"""
FORMATS = ("torch", "onnx", "onnx-int8", "static")
OURS = (  # what an older export may have and this one not: it must not be mixed with this one
    *("model*.safetensors", "model*.safetensors.index.json", "tokenizer*.json", "vocab.txt", "vocab.json"),
    *("merges.txt", "special_tokens_map.json", "added_tokens.json"),
    *(f"{ONNX.name}/{part}" for part in ("*.onnx", "model.onnx.data", "heads/*.onnx", "readouts/*.onnx")),
    *(STATIC.as_posix(), f"{STATIC.parent}/tokenizer.json"),
    *("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"),
    *(*TORCH_ONLY, MAP, STATIC_HEADS, CALIBRATION, paths.EXAMPLES, paths.EXAMPLE_VECTORS, "config.json"),
)


def arguments(command: argparse.ArgumentParser) -> None:
    """What `protomtl export` takes beside being a step."""
    command.add_argument(
        "method", nargs="?", metavar="METHOD", help="a method that was run; without it the one in params.yaml"
    )
    command.add_argument("--seed", type=argument(Seed), help="of the run (default: 1)")
    to = "needed with METHOD: a new or empty folder, or an older export, which is replaced"
    command.add_argument("--to", metavar="DIR", help=to)
    add = "training rows of each task to keep in it, for `predict --why` (default: 0); their texts stand there for all"
    command.add_argument("--examples", type=argument(Examples), metavar="N", help=add)
    command.add_argument(
        "--format",
        choices=FORMATS,
        help="onnx and onnx-int8 are run by onnxruntime, static has a vector for each token: `protomtl.load` needs no "
        "torch for these (default: torch)",
    )
    command.add_argument(
        "--force", action="store_true", help="add it to any folder; what has the same names is replaced"
    )
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.epilog = f"examples:{EXAMPLES}"


def command(args: argparse.Namespace) -> bool:
    """Export the method that the arguments name; False without one, for then it is the step. SystemExit for half."""
    if args.method and not args.to:
        raise SystemExit("protomtl export METHOD needs --to DIR")
    alone = (args.to, args.format, args.seed, args.examples)
    if (args.force or any(given is not None for given in alone)) and not args.method:
        raise SystemExit("protomtl export --to, --seed, --examples, --format or --force needs a METHOD before it")
    if args.examples and args.format == "static":
        raise SystemExit("protomtl export --examples: an export of format static keeps none; leave it, or the format")
    if args.method:
        try:
            seed = 1 if args.seed is None else args.seed
            write(args.method, seed, Path(args.to), args.force, args.examples or 0, args.format or "torch")
        except BadPath as error:
            print(f"protomtl export: {error}", file=sys.stderr)
            sys.exit(2)
    return bool(args.method)


def run(export: Export) -> None:
    """Write results/export of the run that `export` names."""
    check_run(export.method, export.seed)
    with atomic(results("export")) as part:
        build(export.method, export.seed, part, export.examples)


def write(method: str, seed: int, target: Path, force: bool = False, examples: int = 0, form: str = "torch") -> None:
    """Export to a folder of the user's. In an older export all files that an export has are replaced, others stay.

    form: one of FORMATS. Raises BadPath, before the work, for what is no new or empty folder and no export; with
    `force` any folder will do.
    """
    check_run(method, seed)
    users_home(target, RECORD, force)
    with users_folder(target, RECORD, OURS, force) as part:
        build(method, seed, part, examples)
        convert(part, form, seed)
    print(f"export {method} seed {seed}: {target}")


def check_run(method: str, seed: int) -> None:
    """SystemExit if the run has not been made."""
    for made in (results("finetune", method, seed) / "config.json", results("evaluate", method, seed) / PROTOTYPES):
        if not made.exists():
            raise SystemExit(
                f"{made.parent}: there is no such run; `snakemake --cores 4 all` makes those of params.yaml"
            )
