"""Which files an export consists of, by their names: these go to the hub and come from it, and no others.

Weights are safetensors or graphs of ONNX. Pickles and Python, which could run as code, are not among them.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from protomtl.backends.whole import FILES
from protomtl.core.paths import (
    CALIBRATION,
    CARD,
    EXAMPLE_VECTORS,
    EXAMPLES,
    MAP,
    ONNX,
    PROTOTYPES,
    READOUT,
    RECORD,
    STATIC,
    STATIC_HEADS,
)

TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"),
)
REASONS = (EXAMPLES, EXAMPLE_VECTORS)
EVERY = (*(RECORD, CARD, PROTOTYPES, MAP, CALIBRATION, *REASONS), *("config.json", *TOKENIZER))
OF_FORMAT = {
    "torch": (
        *("model.safetensors", "model-*.safetensors", "model.safetensors.index.json", "heads.safetensors", READOUT),
        *("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json"),
        *("2_Dense/config.json", "2_Dense/model.safetensors"),
    ),
    "onnx": (
        *(f"{ONNX.name}/{place}*.onnx" for place in ("", "heads/", "readouts/")),
        f"{ONNX.name}/model.onnx.data",  # weights that are too large for a graph
    ),
    "static": (STATIC.as_posix(), f"{STATIC.parent.name}/tokenizer.json", STATIC_HEADS, "modules.json"),
}
MAY_LACK = (MAP, CALIBRATION, *REASONS, READOUT, f"{ONNX.name}/readouts/*.onnx")  # what is read where it is there


def form_of(record: Mapping[str, Any]) -> str:
    """What runs the export of a record: a key of OF_FORMAT, or a word of a later version."""
    return str(record.get("format", "torch")).removesuffix("-int8")


def belongs(name: str, form: str | None = None) -> bool:
    """Whether a file, by its path in the folder, is one of an export of this format; without a format, of any."""
    formats = OF_FORMAT if form is None else {form: OF_FORMAT.get(form, ())}
    patterns = (*EVERY, *(pattern for found in formats.values() for pattern in found))
    return any(name.count("/") == pattern.count("/") and fnmatchcase(name, pattern) for pattern in patterns)


def is_of(name: str, record: Mapping[str, Any]) -> bool:
    """Whether a file, by its path in the folder, is one of the export of a record: those that it names. A record of
    before has no names of files; then it is any of its format."""
    known = record.get(FILES)
    named = not isinstance(known, Mapping) or name in known or name in (CARD, RECORD)
    return named and belongs(name, form_of(record))
