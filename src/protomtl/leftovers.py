"""Results of runs that params.yaml no longer lists."""

from protomtl.files import remove
from protomtl.paths import DEV_CURVES, EVALUATE, FINETUNE, PRETRAIN, TRAIN_CURVES, run_folder


def remove_leftovers(methods: list[str], seeds: list[int]) -> None:
    """Remove the results of methods and seeds that are not listed (any more).

    The tables depend on whole folders, since DVC's graph cannot name a list of dependencies. A leftover there would
    make the same parameters look different in a fresh clone. DVC restores it when it is listed again.
    """
    for root in (PRETRAIN, FINETUNE, TRAIN_CURVES, DEV_CURVES, EVALUATE):
        kept = {run_folder(root, method, seed) for method in methods for seed in seeds}
        for folder in sorted(set(root.glob("*/seed*")) - kept):
            print(f"{folder}: not among `methods` and `seeds` of params.yaml, removed; listed again, DVC restores it")
            remove(folder)
            if not any(folder.parent.iterdir()):
                folder.parent.rmdir()
