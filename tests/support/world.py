"""What a program shares with the libraries that it calls."""

import gc
import locale
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import distributed as dist


def world() -> dict[str, Any]:
    """All of it that a library has no business to change, in comparable form."""
    from huggingface_hub.utils import are_progress_bars_disabled
    from transformers.utils import logging as transformers_logging

    loggers = {name: logging.getLogger(name) for name in ("", "transformers", "huggingface_hub", "torch", "protomtl")}
    return {
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "dtype": torch.get_default_dtype(),
        "torch's generator": torch.get_rng_state().tolist(),
        "NumPy's generator": str(np.random.get_state()),
        "Python's generator": random.getstate(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.backends.mkldnn.enabled),
        "autocast": torch.is_autocast_enabled("cpu"),
        "device": torch.get_default_device(),
        "precision": (torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32),
        "cuDNN": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic, torch.backends.cudnn.enabled),
        "sharing": (multiprocessing.get_start_method(allow_none=True), torch.multiprocessing.get_sharing_strategy()),
        "transformers": (transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()),
        "hub": are_progress_bars_disabled(),
        "logging": {name: (own.level, own.disabled, own.propagate, [*own.handlers]) for name, own in loggers.items()},
        "warnings": [*warnings.filters],
        "NumPy's errors": np.geterr(),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "path": [*sys.path],
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.excepthook),
        "open files": open_files(),
        "own threads": {f"{thread.name} {thread.ident}" for thread in threading.enumerate()},
        "collector": gc.isenabled(),
        "locale": locale.setlocale(locale.LC_ALL),
        "umask": umask(),
        "group": dist.is_initialized(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
    }


def changes(before: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is otherwise now: each with what it was and what it is.

    Of open files and threads only new ones count, and only files that stay open once the garbage is collected:
    what earlier tests left ends when it likes.
    """
    now = world()
    if now["open files"] - before["open files"]:
        gc.collect()
        now["open files"] = open_files()
    before = {what: old & now[what] if isinstance(old, set) else old for what, old in before.items()}
    return {what: (before[what], now[what]) for what in before if before[what] != now[what]}


def open_files() -> set[str]:
    """Each as its number and what it is, on Linux."""
    found = set()
    for number in os.listdir("/proc/self/fd") if sys.platform == "linux" else []:  # noqa: PTH208
        with suppress(FileNotFoundError):  # the folder itself, open only while it is read
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")  # noqa: PTH115
    return found


def umask() -> int:
    """Which rights new files lack; it can be read only by setting it."""
    found = os.umask(0o022)
    os.umask(found)
    return found
