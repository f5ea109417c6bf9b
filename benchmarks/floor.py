"""What a run takes at least: the operations of its encoder, at the peak of this processor's matrix products.

    python -m benchmarks.floor

Calculated for params.yaml and data/tokens of the current folder; the peak is measured. Every step has mean rows, as
many of each task. Start-up, heads, optimiser, data, stress and figures count nothing.
"""

from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks import options, workload
from protomtl.core.markdown import markdown_table
from protomtl.core.paths import TOKENS
from protomtl.core.sections import settings_of_method
from protomtl.model.multitask import EXAMPLES
from protomtl.model.sequences import TokenTable
from protomtl.params import load
from protomtl.tasks.settings import main_tasks
from protomtl.training import sampling

Joined = dict[str, bool]  # task -> whether its pairs are one sequence


@cache
def split(task: str, name: str, joined: bool) -> tuple[int, float]:
    """Rows of a split, and operations of one forward pass over all of them."""
    table = TokenTable.open(TOKENS, task, name)
    return len(table), sum(workload.flops(part.lengths) for part in table.sequences_of(np.arange(len(table)), joined))


def passes(name: str, joined: Joined, most: float = np.inf) -> float:
    """Operations of a forward pass over a split of each task, or over so many mean rows of each."""
    found = [split(task, name, how) for task, how in joined.items()]
    return sum(whole * min(most / rows, 1) for rows, whole in found)


def updates(settings: Any, joined: Joined) -> float:
    """Operations of a phase: a backward pass has two products for each of the forward pass."""
    sizes = {task: split(task, "train", how)[0] for task, how in joined.items()}
    steps = settings.epochs * sampling.steps_per_epoch(sizes, settings)
    return 3 * steps * passes("train", joined, settings.batch_size)


def of_a_method(name: str) -> dict[str, float]:
    """Operations of its steps. A frozen encoder is not among them: its vectors are computed once for all methods."""
    params = load()
    block, tasks = params.method[name], main_tasks(params.tasks)
    first = settings_of_method("pretrain", params.pretrain, name, block.pretrain)
    second = settings_of_method("finetune", params.finetune, name, block.finetune)
    if second.frozen:
        return {}
    joined = {task: second.encoding_of(task) != "separate" for task in tasks}
    found = {"finetune": updates(second, joined), "its dev figures": second.epochs * passes("dev", joined)}
    found["evaluate"] = passes("test", joined) + passes("train", joined, EXAMPLES)
    if first:
        paired = dict.fromkeys(tasks, first.joins_pairs)
        read = passes("test", paired) + passes("dev", paired) + passes("train", paired, EXAMPLES)
        found |= {"pretrain": updates(first, paired), "its readings": read}
    return found


def operations() -> dict[str, float]:
    """Of all methods and one seed, by step."""
    params = load()
    methods = [of_a_method(name) for name in params.methods]
    names = ["pretrain", "its readings", "finetune", "its dev figures", "evaluate"]
    sums = {name: sum(found.get(name, 0) for found in methods) for name in names}
    separate = dict.fromkeys(main_tasks(params.tasks), False)
    sums["a frozen encoder's vectors"] = sum(map(partial(passes, joined=separate), ("train", "dev", "test")))
    return sums | {"all": sum(sums.values())}


def table(sums: Mapping[str, float], peak: float) -> str:
    """Markdown: operations by step, and the seconds of one core at its peak."""
    lines = [[name, f"{done / 1e12:.1f}", f"{done / peak:,.0f}"] for name, done in sums.items()]
    return markdown_table(["step", "TFLOP", "s"], lines)


if __name__ == "__main__":
    options.parser(__spec__.name, __doc__).parse_args()
    with options.in_words():
        sums = operations()
        peak = workload.peak("bf16", 1)
        print(f"{workload.hardware('cpu')}: {peak / 1e9:.0f} GFLOP/s in bf16, one core")
        print(table(sums, peak))
