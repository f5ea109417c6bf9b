"""Prototypical pre-training for multi-task sentence encoders: the steps of the pipeline, one command each."""

import argparse
import ast
import errno
import importlib
import os
import re
import sys
from pathlib import Path

from safetensors import SafetensorError

from protomtl import __version__, config, steps
from protomtl.commands import HELP, add_commands


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="protomtl", description=__doc__)
    root.add_argument("--version", action="version", version=__version__)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for step in steps.STEPS:
        command = commands.add_parser(step, help=first_line(step), description=first_line(step))
        if step in steps.PER_RUN:
            command.add_argument("--method", required=True, help="a block under `method` in params.yaml")
            command.add_argument("--seed", required=True, type=int)
    preset = commands.add_parser("preset", help="patch params.yaml with a preset, keeping its comments")
    preset.add_argument("name", help="a file of presets/, without .yaml")
    commands.add_parser("check", help="check params.yaml; prints nothing when it is sound")
    commands.add_parser("summary", help="print the table of the finished run and where everything lies")
    keep = commands.add_parser(
        "keep", help="keep the figures of the finished run in docs/runs/NAME; new seeds join those there"
    )
    keep.add_argument("name", help="a name for the run, such as its data")
    commands.add_parser("findings", help="write docs/findings.md from the figures that are kept")
    add_commands(commands)
    return root


def first_line(step: str) -> str:
    """The first line of a step's module, without importing it."""
    docstring = ast.get_docstring(ast.parse((steps.PACKAGE / f"{step}.py").read_text(encoding="utf-8")))
    return (docstring or "").splitlines()[0].removeprefix(f"Step `{step}`: ").replace("%", "%%")


def main() -> None:
    args = parser().parse_args()
    try:
        if args.command == "demo":
            importlib.import_module("protomtl.demo").serve(args.model, args.host, args.port)
        elif args.command in HELP or getattr(args, "model", None):
            importlib.import_module("protomtl.apply").run(args)
        elif args.command == "export" and args.method:
            if not args.to:
                sys.exit("protomtl export METHOD needs --to DIR")
            importlib.import_module("protomtl.export").write(args.method, args.seed, Path(args.to))
        elif args.command in steps.STEPS:
            steps.run(args.command, getattr(args, "method", None), getattr(args, "seed", None))
        elif args.command == "preset":
            importlib.import_module("protomtl.preset").apply(args.name)
        elif args.command == "keep":
            importlib.import_module("protomtl.kept").keep(args.name)
        elif args.command == "findings":
            importlib.import_module("protomtl.findings").write()
        elif args.command == "check":
            config.load()
        else:
            importlib.import_module("protomtl.summary").show()
    except ModuleNotFoundError as error:
        if error.name not in ("streamlit", "altair"):
            raise
        sys.exit("protomtl demo needs Streamlit: pip install 'protomtl[demo]'")
    except KeyboardInterrupt:
        sys.exit("interrupted; run the same command again to go on")
    except BrokenPipeError:  # the reader of our output left
        os._exit(1)
    except (OSError, SafetensorError) as error:
        if not is_disk_full(error):
            raise
        sys.exit(
            f"no space left on the disk ({error}); free some and run the same command again: "
            "what is finished is kept, and training goes on from its last saved step"
        )


def is_disk_full(error: OSError | SafetensorError) -> bool:
    """Whether the disk or the user's quota is full; safetensors says so in its text only."""
    numbers = (errno.ENOSPC, errno.EDQUOT)
    told = re.search(r"os error (\d+)", str(error))
    return getattr(error, "errno", None) in numbers or (told is not None and int(told[1]) in numbers)


if __name__ == "__main__":
    main()
