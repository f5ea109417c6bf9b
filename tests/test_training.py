"""The training loop: schedule, choice of the epoch, and resuming to the same bytes, after a real kill too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from protomtl import files, optimizer, training
from protomtl.config import load
from protomtl.files import read_json
from protomtl.schema import Finetune
from protomtl.weighting import fixed

from .commands import environment
from .conftest import ROOT, patch_params
from .steps import run_method, run_steps

BASE = load(ROOT / "params.yaml").finetune


def settings(**changes: object) -> Finetune:
    return BASE.model_copy(update={"epochs": 2, "steps_per_epoch": 3, "batch_size": 4, "save_every": 1, **changes})


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.5), (1, 1.0), (2, 1.0), (6, 0.5), (9, 0.125)]
)  # ten steps, two of warm-up, eight of decay
def test_rate_warms_up_and_decays(step: int, share: float) -> None:
    assert optimizer.learning_rate(settings(schedule="linear", warmup=0.2), step, 10) == pytest.approx(share)


def test_constant_rate() -> None:
    assert {optimizer.learning_rate(settings(schedule="constant"), step, 10) for step in range(10)} == {1.0}


class Toy(nn.Module):
    """One weight in the place of the encoder, one of a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Linear(1, 1, bias=False)
        self.head = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.encoder.weight), nn.init.ones_(self.head.weight)


def fit(folder: Path, dev: list[float], **changes: object) -> tuple[Toy, training.Result]:
    """Train the toy, with the given dev figure for each epoch."""
    toy, figures = Toy(), iter(dev)
    folder.mkdir(exist_ok=True)
    losses = lambda rows: {"a": toy.encoder.weight.sum() * len(rows["a"]), "b": toy.head.weight.sum()}  # noqa: E731
    result = training.train(
        "toy",
        training.Objective(toy, losses, fixed({"a": 0.5})),
        {"a": 12, "b": 5},
        settings(**changes),
        1,
        folder,
        1.0,
        lambda: {"overall": next(figures)},
    )
    return toy, result


def test_losses_are_weighted_and_summed(tmp_path: Path) -> None:
    _, result = fit(tmp_path / "s", [0.0, 1.0], lr=1e-9, head_lr=1e-9)
    first = result.curves.train[0]
    assert (first["loss_a"], first["loss_b"], first["loss"]) == (4.0, 1.0, 3.0)  # 0.5 · 4 + 1 · 1


def test_encoder_and_heads_have_their_own_rates(tmp_path: Path) -> None:
    built = optimizer.build_optimizer(Toy(), settings(lr=0.25), 0.5)
    assert [group["lr"] for group in built.param_groups] == [0.25, 0.5]


def test_each_layer_learns_more_slowly_than_the_one_above_it() -> None:
    names = ["embeddings.word", "encoder.layer.0.out", "encoder.layer.1.out", "pooler.dense"]
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"bert": named(names)}), "heads": nn.Linear(1, 1, bias=False)})
    built = optimizer.build_optimizer(model, settings(lr=1.0, layer_decay=0.5), 3.0)
    rates = {id(p): group["lr"] for group in built.param_groups for p in group["params"]}
    assert [rates[id(p)] for p in model.parameters()] == [0.25, 0.5, 1.0, 1.0, 3.0]
    assert built.param_groups[0]["lr"] == 1.0  # what the curve shows


def named(names: list[str]) -> nn.Module:
    """A module with a weight under each of these names."""
    root = nn.Module()
    for name in names:
        module = root
        for part in name.split("."):
            if not hasattr(module, part):
                module.add_module(part, nn.Module())
            module = getattr(module, part)
        module.weight = nn.Parameter(torch.zeros(1))
    return root


def test_the_averaged_weights_are_kept(tmp_path: Path) -> None:
    plain, _ = fit(tmp_path / "plain", [0.0, 1.0], lr=0.1, head_lr=0.1, schedule="constant")
    averaged, _ = fit(tmp_path / "averaged", [0.0, 1.0], lr=0.1, head_lr=0.1, schedule="constant", averaging=0.5)
    assert plain.head.weight < averaged.head.weight < 1.0  # the loss pushes the weight down; its average lags behind


@pytest.mark.parametrize(("dev", "best"), [([0.1, 0.2], 2), ([0.2, 0.1], 1), ([0.2, 0.2], 1)])
def test_the_best_epoch_on_dev_is_kept(tmp_path: Path, dev: list[float], best: int) -> None:
    toy, result = fit(tmp_path / "s", dev)
    weights = [fit(tmp_path / "one", [0.0], epochs=1, schedule="constant")[0].encoder.weight.item()]
    assert result.best_epoch == best and result.steps == 6
    assert len(result.curves.train) == 6 and [p["overall"] for p in result.curves.dev] == dev
    if best == 1:
        assert toy.encoder.weight.item() == pytest.approx(weights[0], abs=1e-3)


def test_a_loss_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    toy = Toy()
    (tmp_path / "s").mkdir()
    with pytest.raises(SystemExit, match="step 1: the loss is nan"):
        training.train(
            "toy",
            training.Objective(toy, lambda rows: {"a": toy.encoder.weight.sum() * float("nan")}, fixed({})),
            {"a": 9},
            settings(),
            1,
            tmp_path / "s",
        )


@pytest.fixture
def prepared(workdir: Path) -> Path:
    run_steps("download", "backbone", "prepare", "tokenize")
    return workdir


def outcome(workdir: Path, step: str, method: str) -> dict[str, str]:
    return files.digest_folder(workdir / "results" / step / method)


REMEMBERED = {  # what a training remembers from step to step, beside weights and moments
    "finetune": {"averaging": 0.9, "weighting": "uncertainty"},
    "pretrain": {"prototypes": "epoch", "distance": "cosine", "sampling": "annealed"},
}


@pytest.mark.parametrize(("step", "method"), [("finetune", "shared_layers"), ("pretrain", "prototypical")])
def test_a_killed_training_goes_on_and_gives_the_same_bytes(prepared: Path, step: str, method: str) -> None:
    patch_params(prepared, {step: {"epochs": 6, "steps_per_epoch": 20, "save_every": 3, **REMEMBERED[step]}})
    if step == "finetune":
        run_method(method, "pretrain")
    run_method(method, step)
    whole = outcome(prepared, step, method)
    state = prepared / ".state" / step
    files.remove(state)
    files.remove(prepared / "results" / step / method)
    command = [sys.executable, "-m", "protomtl", step, "--method", method, "--seed", "1"]
    trainer = subprocess.Popen(command, cwd=prepared, env=environment(), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(state.glob("*/*/state.safetensors")) and trainer.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(trainer.pid, signal.SIGKILL)
    trainer.wait()
    assert not (prepared / "results" / step / method / "seed1").exists()
    again = subprocess.run(command, cwd=prepared, env=environment(), capture_output=True, text=True, check=True)
    assert "goes on from step" in again.stdout
    assert outcome(prepared, step, method) == whole


def test_same_seed_same_bytes_other_seed_other_bytes(prepared: Path) -> None:
    found = []
    for seed in (1, 1, 2):
        files.remove(prepared / ".state")
        run_method("concat", "pretrain", "finetune", seed=seed)
        found.append(files.digest_folder(prepared / f"results/finetune/concat/seed{seed}")["heads.safetensors"])
    assert found[0] == found[1] != found[2]


def test_a_second_trainer_of_the_same_run_is_refused(prepared: Path) -> None:
    from protomtl import state

    run_method("concat", "pretrain")
    with (
        state.exclusive("finetune", "concat", 1, "key"),
        pytest.raises(SystemExit, match="another process is training"),
    ):
        run_method("concat", "finetune")


def test_a_changed_parameter_does_not_resume_the_old_state(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_method("concat", "pretrain", "finetune")
    patch_params(prepared, {"finetune": {"lr": 1e-4}})
    run_method("concat", "finetune")
    assert "goes on" not in capsys.readouterr().out


def test_changed_code_does_not_resume_the_old_state(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from protomtl import state, training

    state_code = state.code()
    assert state_code["protomtl.training"] == files.sha256(Path(training.__file__))
    with state.exclusive("finetune", "concat", 1, "same") as before:
        (before / "state.safetensors").write_text("half done")
    with state.exclusive("finetune", "concat", 1, "same") as again:
        assert again == before and (again / "state.safetensors").exists()
    monkeypatch.setattr(state, "code", lambda: {**state_code, "protomtl.training": "another digest"})
    with state.exclusive("finetune", "concat", 1, "same") as after:
        assert after != before and not before.exists()


def test_the_frozen_baseline_leaves_the_encoder_alone_and_learns_heads(prepared: Path) -> None:
    run_method("baseline", "pretrain", "finetune")
    result = prepared / "results/finetune/baseline/seed1"
    assert files.digest_folder(result / "encoder") == files.digest_folder(prepared / "data/backbone")
    assert read_json(result / "config.json")["finetune"]["frozen"] is True


def test_frozen_training_on_stored_vectors_equals_training_through_the_frozen_encoder(prepared: Path) -> None:
    """The slow way: the encoder, in evaluation mode, in each step."""
    from protomtl import finetune
    from protomtl.config import finetuning
    from protomtl.encoder import Encoder, embed_table
    from protomtl.model import MultiTaskModel
    from protomtl.tokens import TokenTable

    params = load()
    chosen = finetuning(params.finetune, "baseline", {"frozen": True})
    model = MultiTaskModel(Encoder(Path("data/backbone"), "mean", params.compute), params.tasks, chosen, 1).eval()
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    rows = {name: torch.arange(3, 9).numpy() for name in params.tasks}
    stored = finetune.finetuning_losses(model, tables, params.tasks, chosen)(rows)
    for name, task in params.tasks.items():
        vectors = embed_table(model.encoder, tables[name], False, rows[name])
        labels = torch.from_numpy(tables[name].labels[rows[name]])
        slow = finetune.task_loss(task, model.heads[name](*vectors), labels)
        assert stored[name].item() == pytest.approx(slow.item(), abs=1e-5)


def test_what_the_encoder_gets_of_a_pair(prepared: Path) -> None:
    """Whole, turned and both texts, as the encoding of its task says; a single text is always itself."""
    from protomtl.config import finetuning
    from protomtl.encoder import Encoder
    from protomtl.model import MultiTaskModel
    from protomtl.tokens import TokenTable

    params = load()
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    rows = torch.arange(3, 9).numpy()

    def tokens(name: str, how: object) -> list[list[int]]:
        chosen = finetuning(params.finetune, "x", {"pair_encoding": how})
        model = MultiTaskModel(encoder, params.tasks, chosen, 1)
        return [group.tokens.tolist() for group in model.sequences(tables[name], rows)]

    whole, turned = (tables["para"].pair(rows, turned).tokens.tolist() for turned in (False, True))
    apart = [tables["para"].single(rows, side).tokens.tolist() for side in (0, 1)]
    assert tokens("para", "concat") == [whole]
    assert tokens("para", "both_ways") == [whole, turned]
    assert tokens("para", "joint") == [whole, *apart]
    assert tokens("para", {"para": "separate", "sts": "joint"}) == apart
    assert len(tokens("sts", {"para": "separate", "sts": "joint"})) == 3
    assert tokens("sst", "joint") == tokens("sst", "both_ways") == [tables["sst"].single(rows, 0).tokens.tolist()]
