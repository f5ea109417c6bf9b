"""A static twin of an exported model: a vector for each token, their mean for a text. No network is left to run.

As Model2Vec has it (van Dongen and Tulkens 2024): each token goes through the encoder by itself, principal components
make the vectors shorter, and frequent tokens weigh less (SIF, Arora et al. 2017, with frequencies by Zipf's law, for
tokenizers list frequent tokens first). The heads are fitted anew on training rows, in closed form.
"""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from protomtl.backends.static import features
from protomtl.core.files import remove, write_json
from protomtl.core.paths import EXAMPLE_VECTORS, EXAMPLES, MAP, PROTOTYPES, STATIC, STATIC_HEADS, TOKENS
from protomtl.model.linear import Linear, lda, of_all_classes, ridge
from protomtl.model.multitask import MultiTaskModel
from protomtl.model.sequences import TokenTable
from protomtl.steps.export import tensors
from protomtl.steps.export.onnx import TORCH_ONLY
from protomtl.tasks.settings import Task

WIDTH, SIF = 256, 1e-3  # 256 numbers of two bytes a token: 16 MB for 30,522 tokens
GONE = (*TORCH_ONLY, MAP, EXAMPLES, EXAMPLE_VECTORS, "config.json")  # of the network's vectors


def write(folder: Path, model: MultiTaskModel, tasks: dict[str, Task]) -> None:
    """Put the twin into the folder of a built export, in the place of what reads the encoder.

    modules.json is that of sentence-transformers' StaticEmbedding, which reads the same vectors.
    """
    tables = {name: TokenTable.open(TOKENS, name, "train") for name in tasks}
    vectors = token_vectors(model, next(iter(tables.values())).special)
    heads: dict[str, np.ndarray] = {}
    means = {}
    with threadpool_limits(1, user_api="blas"):  # a second thread changes the last bits
        for name, task in tasks.items():
            sides = [text_vectors(vectors.astype(np.float32), *side) for side in tables[name].sides]
            labels = np.asarray(tables[name].labels)
            heads[f"{name}.weight"], heads[f"{name}.bias"] = fit(name, task, features(sides), labels)
            means[name] = class_means(task, np.sum(sides, axis=0), labels)
    for name in GONE:
        remove(folder / name)
    (folder / STATIC.parent).mkdir()
    tensors.write(folder / STATIC, {"embedding.weight": vectors})
    (folder / STATIC.parent / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    tensors.write(folder / STATIC_HEADS, heads)
    tensors.write(folder / PROTOTYPES, means)
    kind = "sentence_transformers.models.StaticEmbedding"
    write_json(folder / "modules.json", [{"idx": 0, "name": "0", "path": STATIC.parent.name, "type": kind}])


def token_vectors(model: MultiTaskModel, special: dict[str, Any]) -> np.ndarray:
    """[tokens, WIDTH at most] float16, weighted."""
    count = model.encoder.network.get_input_embeddings().num_embeddings
    table = TokenTable("", [(np.arange(count, dtype=np.int32), np.arange(count + 1))], special, np.zeros(count))
    whole = model.embed(table, np.arange(count))[0].cpu().numpy()
    short = PCA(min(WIDTH, *whole.shape), svd_solver="full").fit_transform(whole)
    share = 1 / (np.arange(count) + 2)
    weight = SIF / (SIF + share / share.sum())
    return np.asarray(short * weight[:, None], np.float16)


def text_vectors(vectors: np.ndarray, tokens: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """[n, width] the mean of each text's tokens; zeros for a text without one."""
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors[tokens], axis=0, dtype=np.float64)])
    lengths = np.diff(offsets)[:, None]
    return np.asarray((sums[offsets[1:]] - sums[offsets[:-1]]) / np.maximum(lengths, 1), np.float32)


def fit(name: str, task: Task, x: np.ndarray, labels: np.ndarray) -> Linear:
    """A linear head: linear discriminants of classes (a class without a row has bias -inf), ridge regression of values.
    SystemExit for labels that nothing fits."""
    y = task.what.targets(task, labels)
    try:
        if not task.what.has_classes:
            weight, bias = ridge(x, y)
        elif not task.what.one_class:
            each = [of_all_classes(lda(x, column), column, 2) for column in y.T]
            weight = np.stack([w[1] - w[0] for w, _ in each])
            bias = np.array([b[1] - b[0] for _, b in each])
        else:
            weight, bias = of_all_classes(lda(x, y.astype(int)), y, len(task.class_names))
            if task.outputs == 1:  # the logit of yes
                weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    except ValueError as error:
        raise SystemExit(f"tasks.{name}: no static head can be fitted on its training rows: {error}") from None
    return weight.astype(np.float32), bias.astype(np.float32)


def class_means(task: Task, vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[classes, width] float32 the mean vector of each class that has a prototype; NaN without a row."""
    low = task.what.class_of(task.bounds[0])
    places = np.array([task.what.class_of(label) - low for label in labels])
    members = (places[:, None] == np.arange(task.number_of_classes)).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(members.T @ vectors / members.sum(0)[:, None], np.float32)
