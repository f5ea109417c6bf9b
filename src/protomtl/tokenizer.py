"""The tokenizer of an encoder's folder, and how long a sequence may be."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from protomtl.core.errors import first_line
from protomtl.core.paths import check_fetched
from protomtl.core.settings import Block

# Families whose first position is the one after their pad token's number (RoBERTa's inheritance from fairseq).
COUNTED_FROM_PAD = ("roberta", "xlm-roberta", "camembert", "mpnet", "longformer")


class Tokens(Block):
    max_length: Annotated[int, Field(ge=8, le=2**17)]


def open_tokenizer(folder: Path, max_length: int) -> tuple[Any, dict[str, Any]]:
    """The tokenizer of an encoder, and what a TokenTable needs of it: `pad`, `mask` (None without one), `max_length`,
    and how it writes one text (`single`) and two (`pair`), see `written`.

    SystemExit for what is no tokenizer, wants to run its own code, or puts no marks round texts; and for sequences
    longer than the encoder has positions.
    """
    from transformers import AutoTokenizer  # heavy

    check_fetched(folder)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        backend = tokenizer.backend_tokenizer  # the library below, without an object of transformers for each text
    except Exception as error:  # tokenizers raises no other kind for a file that it cannot read
        raise SystemExit(f"{folder}: transformers cannot load this tokenizer: {first_line(error)}") from None
    if tokenizer.pad_token_id is None:
        raise SystemExit(f"{folder}: its tokenizer has no pad token; use a BERT-like encoder")
    backend.no_padding()
    backend.no_truncation()  # texts are cut where sequences are built
    forms = {"single": written(backend.encode("a")), "pair": written(backend.encode("a", "a"))}
    check_marks(folder, forms)
    said = configuration(folder)
    check_vocabulary(folder, said, backend.get_vocab())
    check_positions(said, max_length)
    special = {"pad": tokenizer.pad_token_id, "mask": tokenizer.mask_token_id, "max_length": max_length}
    return backend, special | forms


def written(encoding: Any) -> list[list[Any]]:
    """How a tokenizer writes texts: each mark as [its number, its type], each text as ["a" or "b", its type]."""
    found: list[list[Any]] = []
    for number, kind, text in zip(encoding.ids, encoding.type_ids, encoding.sequence_ids, strict=True):
        what = number if text is None else "ab"[text]
        if text is None or what not in (part[0] for part in found):
            found.append([what, kind])
    return found


def check_marks(folder: Path, forms: dict[str, list[list[Any]]]) -> None:
    """SystemExit unless texts have marks before, between and after them."""
    for name, form in forms.items():
        shape = "".join("_" if isinstance(what, int) else what for what, _ in form)
        if not re.fullmatch("_+a_+(b_+)?", shape):
            raise SystemExit(
                f"{folder}: its tokenizer writes {'two texts' if name == 'pair' else 'a text'} without marks round "
                "them, such as [CLS] and [SEP]; use a BERT-like encoder"
            )


def configuration(folder: Path) -> Any:
    """What config.json says of the encoder."""
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{folder}/config.json: cannot be read: {error}") from None


def check_vocabulary(folder: Path, said: Mapping[str, Any], vocabulary: Mapping[str, int]) -> None:
    """SystemExit for a tokenizer that knows words which the encoder does not: their numbers would be none of a row."""
    words = said.get("vocab_size")
    last = max(vocabulary, key=lambda word: vocabulary[word])
    if isinstance(words, int) and vocabulary[last] >= words:
        raise SystemExit(
            f"{folder}: its tokenizer does not fit its encoder, which knows {words} words: {last!r} has number "
            f"{vocabulary[last]}. Take the tokenizer that it was saved with; if words were added to it, make room for "
            "them by `model.resize_token_embeddings(len(tokenizer))` and save both"
        )


def check_positions(said: Mapping[str, Any], max_length: int) -> None:
    """SystemExit if sequences may be longer than the encoder has positions for."""
    positions = said.get("max_position_embeddings")
    if not isinstance(positions, int):
        return
    if said.get("model_type") in COUNTED_FROM_PAD:
        positions -= said.get("pad_token_id", 1) + 1
    if max_length > positions:
        raise SystemExit(
            f"params.yaml: tokens.max_length: {max_length} is more than the {positions} positions of the encoder; "
            f"set it to {positions} or less"
        )


def token_numbers(backend: Any, texts: list[str]) -> list[list[int]]:
    """The tokens of each text, without marks."""
    return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]  # on all cores
