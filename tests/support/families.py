"""A tiny random encoder of each family that the documentation names, with the tokenizer of its kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.makers import WORDS

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
LETTERS = [*"abcdefghijklmnopqrstuvwxyz.,?!'"]


def wordpiece(*marks: str) -> dict[str, int]:
    """A vocabulary of words, letters and the rest of words."""
    pieces = [*marks, *LETTERS, *(f"##{c}" for c in LETTERS), *WORDS[2:]]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def unigram(*marks: str) -> list[tuple[str, float]]:
    """A vocabulary with a probability for each piece."""
    pieces = [*LETTERS, "▁", *(f"▁{c}" for c in LETTERS), *(f"▁{word}" for word in WORDS[2:])]
    return [(mark, 0.0) for mark in marks] + [(piece, -1.0 - len(piece) % 3) for piece in dict.fromkeys(pieces)]


def byte_pairs(*marks: str) -> dict[str, int]:
    """A vocabulary of bytes and one merge, `the`."""
    pieces = [*marks, *LETTERS, "Ġ", "th", "the", *(f"Ġ{c}" for c in LETTERS)]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


MERGES = [("t", "h"), ("th", "e"), *(("Ġ", c) for c in LETTERS)]
BERT_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
FAIRSEQ_MARKS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def bert_tokenizer() -> Any:
    from transformers import BertTokenizer

    return BertTokenizer(vocab=wordpiece(*BERT_MARKS))


def modernbert_tokenizer() -> Any:
    """Byte pairs with BERT's marks, without types of tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = byte_pairs(*BERT_MARKS)
    tokenizer = Tokenizer(models.BPE(vocabulary, MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(mark, vocabulary[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    named = {f"{mark[1:-1].lower()}_token": mark for mark in BERT_MARKS}
    names = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=names, **named)


def albert_tokenizer() -> Any:
    from transformers import AlbertTokenizer

    return AlbertTokenizer(vocab=unigram("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"))


def deberta_tokenizer() -> Any:
    from transformers import DebertaV2Tokenizer

    return DebertaV2Tokenizer(vocab=unigram("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))


def roberta_tokenizer() -> Any:
    from transformers import RobertaTokenizer

    return RobertaTokenizer(vocab=byte_pairs(*FAIRSEQ_MARKS), merges=MERGES)


def xlm_roberta_tokenizer() -> Any:
    from transformers import XLMRobertaTokenizer

    return XLMRobertaTokenizer(vocab=unigram(*FAIRSEQ_MARKS))


def mpnet_tokenizer() -> Any:
    from transformers import MPNetTokenizer

    return MPNetTokenizer(vocab=wordpiece("<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"))


# The configuration of each family beside the common sizes and the vocabulary, and its tokenizer.
FAMILIES: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {
    "bert": ({"max_position_embeddings": 64, **SIZES}, bert_tokenizer),
    "distilbert": (
        {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64},
        bert_tokenizer,
    ),
    "electra": ({"embedding_size": 16, "max_position_embeddings": 64, **SIZES}, bert_tokenizer),
    "albert": ({"embedding_size": 16, "max_position_embeddings": 64, **SIZES}, albert_tokenizer),
    "deberta-v2": (
        {
            **{"max_position_embeddings": 64, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
            **{"position_buckets": 16, "position_biased_input": False, "share_att_key": True, **SIZES},
        },
        deberta_tokenizer,
    ),
    "roberta": ({"max_position_embeddings": 66, "type_vocab_size": 1, "pad_token_id": 1, **SIZES}, roberta_tokenizer),
    "xlm-roberta": (
        {"max_position_embeddings": 66, "type_vocab_size": 1, "pad_token_id": 1, **SIZES},
        xlm_roberta_tokenizer,
    ),
    "mpnet": ({"max_position_embeddings": 66, "pad_token_id": 1, **SIZES}, mpnet_tokenizer),
    "modernbert": (
        {"max_position_embeddings": 64, "local_attention": 8, "global_attn_every_n_layers": 2, **SIZES},
        modernbert_tokenizer,
    ),
}


def make_encoder(family: str, folder: Path) -> Path:
    """A folder with the tiny encoder of a family and its tokenizer, as the hub has them."""
    import torch
    from transformers import AutoConfig, AutoModel

    sizes, tokenizer_of = FAMILIES[family]
    tokenizer = tokenizer_of()
    marks = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "cls", "sep", "bos", "eos")}
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(family, vocab_size=len(tokenizer), **{**marks, **sizes}))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
