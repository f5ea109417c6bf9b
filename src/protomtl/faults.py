"""Faults of the system and of the installation, in one line that says what to do."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from safetensors import SafetensorError

from protomtl.core.files import MENDS
from protomtl.core.paths import RAW, RESULTS


@contextmanager
def in_words() -> Iterator[None]:
    """Inside, such a fault is a SystemExit with its line. One that is ours stays as it is."""
    try:
        yield
    except BrokenPipeError:  # the reader of our output left
        os._exit(1)
    except ModuleNotFoundError as error:
        sys.exit(missing(error))
    except (OSError, SafetensorError, ValueError) as error:
        if not isinstance(error, FileNotFoundError) and of_parquet(error):
            sys.exit(f"a table in Parquet is damaged: {' '.join(str(error).split())}; {MENDS}")
        if isinstance(error, ValueError):
            raise
        if made := missing_result(error):
            sys.exit(f"{made}: not there; run the step that makes it first, or `snakemake --cores 4 all`")
        if is_closed(error):
            sys.exit(f"{error.filename}: {error.strerror}")
        if getattr(error, "errno", None) == errno.EFBIG:
            sys.exit(f"a file would be larger than its disk, or `ulimit -f`, lets it be ({error}); write it elsewhere")
        if not is_disk_full(error):
            raise
        sys.exit(
            f"no space left on the disk ({error}); free some and run the same command again: "
            "what is finished is kept, and training goes on from its last saved step"
        )


def of_parquet(error: Exception) -> bool:
    """Whether pyarrow says so of a file that it cannot read; in its words the path, mostly."""
    bare = isinstance(error, OSError) and error.errno is None
    return bool(re.search("parquet|thrift", str(error), re.IGNORECASE)) and (bare or of_pyarrow(error))


def of_pyarrow(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] == "pyarrow"


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
    pyarrow names it in its text only, bare or in quotes."""
    if not isinstance(error, FileNotFoundError):
        return ""
    name = str(error.filename or (re.findall(r"'([^']*)'", str(error)) or [str(error)])[0])
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
