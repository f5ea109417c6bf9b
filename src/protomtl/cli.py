"""Prototypical pre-training for multi-task sentence encoders: the steps of the pipeline, one command each."""

import argparse
import ast
import errno
import gc
import importlib
import io
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

from safetensors import SafetensorError

from protomtl import __version__
from protomtl.core import runner
from protomtl.core.paths import RAW, RESULTS
from protomtl.core.sections import argument
from protomtl.core.settings import Seed


def parser(chosen: str | None = None, as_step: bool = False) -> argparse.ArgumentParser:
    """All steps and commands with their first lines; only the chosen one is imported, for its arguments.

    as_step: a name that is both is meant as the step.
    """
    root = argparse.ArgumentParser(prog="protomtl", description=__doc__)
    root.add_argument("--version", action="version", version=__version__)
    subparsers = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    others = commands()
    for name in runner.steps():
        alone = name not in others
        command = subparsers.add_parser(name, help=(words := first_line(runner.source(name))), description=words)
        if runner.per_run(name):
            command.add_argument("--method", required=alone, help="a block under `method` in params.yaml")
            command.add_argument("--seed", required=alone, type=argument(Seed))
        elif name == chosen and runner.defines(name, "arguments"):
            runner.module(name).arguments(command)
    for name, path in others.items():
        if name in runner.steps():
            command = subparsers.choices[name]
        else:
            command = subparsers.add_parser(name, help=(words := first_line(path)), description=words)
        meant = name == chosen and not (as_step and name in runner.steps())
        if meant and hasattr(module := command_module(name), "arguments"):
            module.arguments(command)
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            command.epilog = f"examples:{module.EXAMPLES}" if hasattr(module, "EXAMPLES") else None
    return root


def commands() -> dict[str, Path]:
    """The modules of commands/. One that has a step's name is what the name means where no --method is given."""
    return {path.stem: path for path in sorted((runner.PACKAGE / "commands").glob("[!_.]*.py"))}


def command_module(name: str) -> Any:
    return importlib.import_module(f"protomtl.commands.{name}")


def first_line(path: Path) -> str:
    """The first line of a step's or a command's module, without importing it."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.sub(r"^(Step|Command) `\w+`: ", "", docstring.splitlines()[0]).replace("%", "%%")


def run(words: list[str]) -> None:
    """Run what the words of a command line say."""
    if words[:1] == ["embed"] and any(word.startswith("--model") for word in words):
        print("protomtl embed --model: now `protomtl encode`; the old name goes with version 0.3", file=sys.stderr)
        words = ["encode", *words[1:]]
    args = parser(words[0] if words else None, "--method" in words).parse_args(words)
    if args.command in commands() and not getattr(args, "method", None):
        collect_garbage()
        command_module(args.command).run(args)
    elif not (runner.defines(args.command, "command") and whole_command(args)):
        method, seed = (getattr(args, name, None) for name in ("method", "seed"))
        if runner.per_run(args.command) and seed is None:
            sys.exit(f"protomtl {args.command} --method {method}: --seed is needed, too")
        runner.run(args.command, method, seed, partial(begin, method))


def whole_command(args: argparse.Namespace) -> bool:
    """Whether the arguments of a step made it more than the step; then it is done."""
    collect_garbage()
    return bool(runner.module(args.command).command(args))


def begin(method: str | None) -> None:
    """What is between the imports of a step and its work."""
    check_params(method)
    collect_garbage()


def collect_garbage() -> None:
    """From now on, and not among what was imported, which stays to the end."""
    gc.freeze()
    gc.enable()


def check_params(method: str | None) -> None:
    """All of params.yaml, since DVC is told of what is wrong by its first stage.

    What the check alone imported is forgotten: `runner.run` holds a step to the sources that itself imports.
    """
    before = set(sys.modules)
    importlib.import_module("protomtl.params").load(run=method)
    for name in set(sys.modules) - before:
        if name.startswith("protomtl."):
            del sys.modules[name]


REFUSED, INTERRUPTED = 2, 130  # as argparse and shells have it; 1 is the answer no, of `verify`


def main() -> None:
    """The command line as a program: what cannot be done ends with one line and status 2."""
    gc.disable()  # until all is imported: to look through modules, again and again, is a quarter of a short step
    hold_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale may lack a letter of what is said
    try:
        check_folder()
        told(sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except SystemExit as stop:
        if not isinstance(stop.code, str):
            raise
        print(stop.code, file=sys.stderr)
        sys.exit(REFUSED)
    finally:
        gc.enable()


def hold_streams() -> None:
    """Open what the caller has closed of the three standard streams, on nothing: else the next file that is opened
    would be taken for it."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            if os.open(os.devnull, os.O_RDWR) != number:
                continue  # somebody has opened it meanwhile
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))


def check_folder() -> None:
    """SystemExit where the current folder was removed: libraries would end without a reason."""
    try:
        Path.cwd()
    except FileNotFoundError:
        sys.exit("the current folder is gone; change to one that is there")


def told(words: list[str]) -> None:
    """`run`, with faults of the system and of the installation in words."""
    try:
        run(words)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output left
        os._exit(1)
    except ModuleNotFoundError as error:
        sys.exit(missing(error))
    except (OSError, SafetensorError) as error:
        if made := missing_result(error):
            sys.exit(f"{made}: not there; run the step that makes it first, or `snakemake --cores 4 all`")
        if is_closed(error):
            sys.exit(f"{error.filename}: {error.strerror}")
        if not is_disk_full(error):
            raise
        sys.exit(
            f"no space left on the disk ({error}); free some and run the same command again: "
            "what is finished is kept, and training goes on from its last saved step"
        )


def missing(error: ModuleNotFoundError) -> str:
    """What to install for a module that is not there. The error itself if it is one of ours."""
    name = (error.name or "").partition(".")[0]
    command = " ".join(["protomtl", *sys.argv[1:2]])
    if name == "protomtl" or not name:
        raise error
    if name in ("fcntl", "resource"):
        return f"{command}: the pipeline needs Linux or macOS; on Windows models can be used, not trained"
    package = "protomtl" if of_a_model(name) else "'protomtl[pipeline]'"
    return f"{command} needs {name}: pip install {package}"


def of_a_model(name: str) -> bool:
    """Whether protomtl without extras brings a module, so that it is missing only where it was left out on purpose."""
    from importlib.metadata import requires  # for an error alone

    wanted = [need for need in requires("protomtl") or () if "extra ==" not in need]
    return {"sklearn": "scikit-learn"}.get(name, name) in {re.split(r"[^\w-]", need)[0] for need in wanted}


def missing_result(error: OSError | SafetensorError) -> str:
    """The file of data/ or results/ that is not there, if a step was run before one that it builds on; else nothing.
    pyarrow names it in its text only."""
    if not isinstance(error, FileNotFoundError):
        return ""
    name = str(error.filename or (re.findall(r"'([^']*)'", str(error)) or [""])[0])
    return name if name.split("/")[0] in (str(RAW.parent), str(RESULTS)) else ""


def is_closed(error: OSError | SafetensorError) -> TypeGuard[OSError]:
    """Whether a path that a user can have so is not there, closed to us, of another kind, or on a read-only or failing
    disk."""
    numbers = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EISDIR, errno.ENOTDIR, errno.EEXIST)
    others = (errno.ENOENT, errno.ELOOP, errno.ENAMETOOLONG)
    return isinstance(error, OSError) and error.filename is not None and error.errno in (*numbers, *others)


def is_disk_full(error: OSError | SafetensorError) -> bool:
    """Whether the disk or the user's quota is full; safetensors says so in its text only."""
    numbers = (errno.ENOSPC, errno.EDQUOT)
    told = re.search(r"os error (\d+)", str(error))
    return getattr(error, "errno", None) in numbers or (told is not None and int(told[1]) in numbers)
