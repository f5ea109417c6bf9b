"""The tokenizer of an encoder's folder, and how long a sequence may be."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from protomtl.core.settings import Block


class Tokens(Block):
    max_length: Annotated[int, Field(ge=8, le=2**17)]


def open_tokenizer(folder: Path, max_length: int) -> tuple[Any, dict[str, int]]:
    """A tokenizer that cuts each text so that it fits with its marks, and the numbers that a TokenTable needs.

    SystemExit for what is no tokenizer, one that wants to run its own code, or one without marks.
    """
    from transformers import AutoTokenizer  # heavy

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizers raises no other kind for a file that it cannot read
        raise SystemExit(
            f"{folder}: transformers cannot load this tokenizer: {str(error).partition(chr(10))[0]}"
        ) from None
    special = {"cls": tokenizer.cls_token_id, "sep": tokenizer.sep_token_id, "pad": tokenizer.pad_token_id}
    if missing := [name for name, number in special.items() if number is None]:
        raise SystemExit(f"{folder}: its tokenizer has no {', '.join(missing)} token; use a BERT-like encoder")
    special["mask"] = tokenizer.mask_token_id  # only masked language modelling needs it
    backend = tokenizer.backend_tokenizer  # the library below, without an object of transformers for each text
    backend.no_padding()
    backend.enable_truncation(max_length - 2)
    return backend, special | {"max_length": max_length}


def token_numbers(backend: Any, texts: list[str]) -> list[list[int]]:
    """The tokens of each text, without marks."""
    return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]  # on all cores
