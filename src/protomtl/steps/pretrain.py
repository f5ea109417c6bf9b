"""Step `pretrain`: phase 1 of a method, results/pretrain/METHOD/seedN.

Each method has this step, because DVC cannot look one parameter up by another; for a method without
pre-training it only notes, within a second, that fine-tuning starts from the backbone itself.
"""

from protomtl.core.files import atomic, write_json
from protomtl.core.paths import BACKBONE, results
from protomtl.core.settings import Backbone
from protomtl.model.settings import Compute
from protomtl.pretraining.settings import Pretrain
from protomtl.tasks.settings import Task
from protomtl.training import tracking


def run(
    method: str,
    seed: int,
    pretrain: Pretrain | None,
    tasks: dict[str, Task],
    backbone: Backbone,
    compute: Compute,
) -> None:
    """Write the folder of this phase; its start.json names the encoder that fine-tuning starts from."""
    target = results("pretrain", method, seed)
    if pretrain is not None:
        from protomtl.model import distributed  # heavy
        from protomtl.pretraining.train import train_encoder

        tracking.chosen()  # or the reason why not, before any work
        distributed.run(compute.processes, train_encoder, target, method, seed, pretrain, tasks, backbone, compute)
        return
    with atomic(target) as part:
        part.mkdir()
        write_json(part / "start.json", {"encoder": str(BACKBONE)})
    print(f"pretrain {method} seed {seed}: none; starts from {BACKBONE}")
