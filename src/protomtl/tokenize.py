"""Step `tokenize`: data/tokens holds every text as token numbers, once per backbone and maximum length."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from protomtl.config import SPLITS, Task, Tokens
from protomtl.files import atomic, digest_folder, write_json
from protomtl.paths import BACKBONE, PREPARED, TOKENS

BATCH = 8192  # texts handed to the tokenizer at a time


def run(tokens: Tokens, tasks: dict[str, Task]) -> None:
    """Tokenise all prepared tables into flat arrays that training maps into memory."""
    from transformers import AutoTokenizer  # heavy

    tokenizer = AutoTokenizer.from_pretrained(BACKBONE)
    special = {"cls": tokenizer.cls_token_id, "sep": tokenizer.sep_token_id, "pad": tokenizer.pad_token_id}
    if missing := [name for name, number in special.items() if number is None]:
        raise SystemExit(f"{BACKBONE}: its tokenizer has no {', '.join(missing)} token; use a BERT-like encoder")
    with atomic(TOKENS) as part:
        for name, task in tasks.items():
            for split in SPLITS:
                table = pq.read_table(PREPARED / name / f"{split}.parquet")
                folder = part / name / split
                folder.mkdir(parents=True)
                for side in ("a", "b")[: len(task.texts)]:
                    write_texts(folder, side, table.column(f"text_{side}").to_pylist(), tokenizer, tokens.max_length)
                np.save(folder / "labels.npy", table.column("label").to_numpy().astype(np.float32))
                print(f"tokenize {name} {split}: {len(table)} rows", flush=True)
        # With the digests, tokens.json stands for all of the cache: stages depend on this one file.
        write_json(part / "tokens.json", special | {"max_length": tokens.max_length, "files": digest_folder(part)})


def write_texts(folder: Path, side: str, texts: list[str], tokenizer: Any, max_length: int) -> None:
    """SIDE.tokens.npy: the tokens of all texts end to end; SIDE.offsets.npy: where each text begins and the end.

    Without special tokens, so that one cache serves single texts and concatenated pairs.
    """
    lengths: list[int] = []
    parts: list[np.ndarray] = []
    for start in range(0, len(texts), BATCH):
        ids = tokenizer(
            texts[start : start + BATCH], add_special_tokens=False, truncation=True, max_length=max_length - 2
        )["input_ids"]
        lengths += map(len, ids)
        parts += [np.fromiter((t for text in ids for t in text), dtype=np.int32)]
    np.save(folder / f"{side}.tokens.npy", np.concatenate(parts))
    np.save(folder / f"{side}.offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))
