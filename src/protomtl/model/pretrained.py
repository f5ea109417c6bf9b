"""Opening the network of a Hugging Face folder: every weight fits, no code of the folder runs, nothing else changes."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from protomtl.core.errors import first_line
from protomtl.core.paths import check_fetched
from protomtl.model.seeding import untouched

NAMED = 3  # tensors that an error shows


def open_network(folder: Path) -> Any:
    """The network in `folder`, float32. SystemExit, with names, if weights are missing, left over or of other shapes.

    A pooler may be missing: then the network has none, for random weights are no pooler.
    """
    from transformers import AutoModel  # heavy

    check_fetched(folder)
    kept = {"trust_remote_code": False, "local_files_only": True, "use_safetensors": True}
    try:
        with quiet(), untouched():
            network, info = AutoModel.from_pretrained(
                folder,
                dtype=torch.float32,
                attn_implementation="eager",
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are in `info`, and so in our error
                **kept,
            )
    except Exception as error:  # a configuration has many ways to be wrong: ZeroDivisionError for no head of attention
        raise SystemExit(f"{folder}: transformers cannot load this encoder: {first_line(error)}") from None
    refuse_misfits(folder, network, info)
    refuse_no_numbers(folder, network)
    refuse_dropout(folder, network.config.to_dict())
    if any(name.startswith("pooler.") for name in info["missing_keys"]):
        network.pooler = None
    return network


def refuse_misfits(folder: Path, network: Any, info: dict[str, Any]) -> None:
    """SystemExit unless each weight of the network came from the file, and each of the file's parts of it is used.

    A head beside the network, such as `cls.` of BERT's own pre-training, is of no use here and does no harm.
    """
    parts = {name for name, _ in network.named_children()}
    prefix = f"{network.base_model_prefix}."
    missing = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
    unused = [name for name in info["unexpected_keys"] if name.removeprefix(prefix).partition(".")[0] in parts]
    shapes = [f"{name} {list(there)} instead of {list(here)}" for name, there, here in info["mismatched_keys"]]
    found = [("missing", missing), ("without a place", unused or (missing and [*info["unexpected_keys"]]))]
    found.append(("of another shape", shapes))
    said = [f"{len(names)} {what} ({first_few(names)})" for what, names in found if names]
    if said:
        raise SystemExit(
            f"{folder}: the weights do not fit config.json: {'; '.join(said)}. "
            "Use the configuration that they were saved with, and the names that transformers gives them."
        )


def refuse_no_numbers(folder: Path, network: Any) -> None:
    """SystemExit for weights that are NaN or infinite: with one of them every vector may be."""
    if bad := [name for name, value in network.named_parameters() if not value.isfinite().all()]:
        which = f"{len(bad)} tensors hold values that are no finite numbers ({first_few(bad)})"
        raise SystemExit(f"{folder}: {which}; the file is damaged, or was written by a training that broke down")


def refuse_dropout(folder: Path, config: Mapping[str, Any]) -> None:
    """SystemExit for a share of dropout that leaves nothing; transformers refuses those that are none."""
    for name, value in config.items():
        if "dropout" in name and type(value) in (int, float) and value == 1:
            raise SystemExit(f"{folder}/config.json: {name}: {value}: must be less than 1, or nothing is left")


def first_few(names: list[str]) -> str:
    """The first few of some names."""
    return ", ".join(sorted(names)[:NAMED]) + (", …" if len(names) > NAMED else "")


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, transformers reports nothing but errors and draws no bars; after it, all is as before."""
    if "transformers" not in sys.modules:  # it has nothing to report, and is slow to import
        yield
        return
    from transformers.utils import logging as theirs

    root = logging.getLogger("transformers")
    theirs.get_verbosity()  # it sets the level when it is first asked
    level, bars = root.level, theirs._tqdm_active  # its public switch also turns off the hub's bars for good
    root.setLevel(logging.ERROR)
    theirs._tqdm_active = False
    try:
        yield
    finally:
        theirs._tqdm_active = bars
        root.setLevel(level)
