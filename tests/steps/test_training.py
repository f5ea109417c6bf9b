"""Training by its steps: same seed, same bytes; what is not resumed; frozen encoders; what the encoder gets."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import protomtl
from protomtl.core import files
from protomtl.core.files import read_json
from protomtl.core.yaml_reader import read_yaml
from protomtl.params import load
from protomtl.training import loop
from tests.support.makers import patch_params
from tests.support.params import written
from tests.support.steps import UNTRAINED, run_method, run_steps


def test_same_seed_same_bytes_other_seed_other_bytes(prepared: Path) -> None:
    found = []
    for seed in (1, 1, 2):
        files.remove(prepared / ".state")
        run_method("concat", "pretrain", "finetune", seed=seed)
        found.append(files.digest_folder(prepared / f"results/finetune/concat/seed{seed}")["heads.safetensors"])
    assert found[0] == found[1] != found[2]


def test_a_second_trainer_of_the_same_run_is_refused(prepared: Path) -> None:
    from protomtl.training import resume

    run_method("concat", "pretrain")
    with (
        resume.exclusive("finetune", "concat", 1, "key"),
        pytest.raises(SystemExit, match="another process is training"),
    ):
        run_method("concat", "finetune")


def test_a_changed_parameter_does_not_resume_the_old_state(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_method("concat", "pretrain", "finetune")
    patch_params(prepared, {"finetune": {"lr": 1e-4}})
    run_method("concat", "finetune")
    assert "goes on" not in capsys.readouterr().out


def test_changed_code_does_not_resume_the_old_state(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from protomtl.training import resume

    state_code = resume.code()
    assert state_code["protomtl.training.loop"] == files.sha256(Path(loop.__file__))
    with resume.exclusive("finetune", "concat", 1, "same") as before:
        (before / "state.safetensors").write_text("half done")
    with resume.exclusive("finetune", "concat", 1, "same") as again:
        assert again == before and (again / "state.safetensors").exists()
    monkeypatch.setattr(resume, "code", lambda: {**state_code, "protomtl.training.loop": "another digest"})
    with resume.exclusive("finetune", "concat", 1, "same") as after:
        assert after != before and not before.exists()


def test_another_precision_of_auto_or_other_libraries_do_not_resume_the_old_state(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job that moves to a node without AMX: its bytes are those of fp32 alone."""

    def goes_on(fast: bool) -> bool:
        for instructions in ("amx_tile", "avx512_bf16"):
            monkeypatch.setattr(torch.cpu, f"_is_{instructions}_supported", lambda: fast)
        capsys.readouterr()
        run_method("concat", "finetune")
        assert read_json(result / "config.json")["resolved"] == {"precision": precision[fast], "device": "cpu"}
        return "goes on" in capsys.readouterr().out

    monkeypatch.setattr("protomtl.model.device.is_intel", lambda: False)
    patch_params(prepared, {"compute": {"precision": "auto"}})
    result, precision = prepared / "results/finetune/concat/seed1", {True: "bf16", False: "fp32"}
    run_method("concat", "pretrain")
    assert not goes_on(fast=True) and not goes_on(fast=False) and goes_on(fast=False)
    moved = files.digest_folder(result)
    files.remove(prepared / ".state")
    assert not goes_on(fast=False) and files.digest_folder(result) == moved
    monkeypatch.setattr("protomtl.model.libraries.version", lambda name: "0")
    assert not goes_on(fast=False) and goes_on(fast=False)


def test_a_process_that_would_compute_otherwise_than_the_first_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from protomtl.training import resume

    monkeypatch.chdir(tmp_path)
    with resume.exclusive("finetune", "concat", 1, "bf16") as folder:
        monkeypatch.setattr(resume.distributed, "is_main", lambda: False)
        with resume.exclusive("finetune", "concat", 1, "bf16") as same:
            assert same == folder
        other = resume.exclusive("finetune", "concat", 1, "fp32")
        with pytest.raises(SystemExit, match=r"another precision, .* name compute\.precision"), other:
            raise AssertionError


def test_the_frozen_baseline_leaves_the_encoder_alone_and_learns_heads(prepared: Path) -> None:
    run_method("baseline", "pretrain", "finetune")
    result = prepared / "results/finetune/baseline/seed1"
    assert files.digest_folder(result / "encoder") == files.digest_folder(prepared / "data/backbone")
    assert read_json(result / "config.json")["finetune"]["frozen"] is True


@pytest.mark.parametrize("method", ["frozen_cosine", "frozen_lda", "frozen_prototypes", "frozen_logistic"])
def test_a_row_without_training_has_no_steps_and_the_same_bytes_again(prepared: Path, method: str) -> None:
    found = []
    for _ in range(2):  # the second time with the vectors of the first
        run_method(method)
        folders = [prepared / f"results/{stage}/{method}/seed1" for stage in ("finetune", "evaluate", "curves/dev")]
        found.append([files.digest_folder(folder) for folder in folders])
    assert found[0] == found[1] and all(found[0])
    record = read_json(folders[0] / "config.json")
    assert (record["steps"], record["best_epoch"]) == (0, 0)
    assert files.digest_folder(folders[0] / "encoder") == files.digest_folder(prepared / "data/backbone")
    assert (
        read_json(folders[1] / "metrics.json")["dev"]["overall"] == pd.read_csv(folders[2] / "curve.csv")["overall"][0]
    )


def test_frozen_training_on_stored_vectors_equals_training_through_the_frozen_encoder(prepared: Path) -> None:
    """The slow way: the encoder, in evaluation mode, in each step."""
    from protomtl.core.sections import settings_of_method
    from protomtl.model.encoder import Encoder, embed_table
    from protomtl.model.multitask import MultiTaskModel
    from protomtl.model.sequences import TokenTable
    from protomtl.steps.finetune.losses import finetuning_losses
    from protomtl.tasks.tensors import task_loss

    params = load()
    chosen = settings_of_method("finetune", params.finetune, "baseline", {"frozen": True})
    model = MultiTaskModel(Encoder(Path("data/backbone"), "mean", params.compute), params.tasks, chosen, 1).eval()
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    rows = {name: torch.arange(3, 9).numpy() for name in params.tasks}
    stored = finetuning_losses(model, tables, params.tasks, chosen)(rows)
    for name, task in params.tasks.items():
        vectors = embed_table(model.encoder, tables[name], False, rows[name])
        labels = torch.from_numpy(tables[name].labels[rows[name]])
        slow = task_loss(task, model.heads[name](*vectors), labels)
        assert stored[name].item() == pytest.approx(slow.item(), abs=1e-5)


def test_what_the_encoder_gets_of_a_pair(prepared: Path) -> None:
    """Whole, turned and both texts, as the encoding of its task says; a single text is always itself."""
    from protomtl.core.sections import settings_of_method
    from protomtl.model.encoder import Encoder
    from protomtl.model.multitask import MultiTaskModel
    from protomtl.model.sequences import TokenTable

    params = load()
    encoder = Encoder(Path("data/backbone"), "mean", params.compute)
    tables = {name: TokenTable.open(Path("data/tokens"), name, "train") for name in params.tasks}
    rows = torch.arange(3, 9).numpy()

    def tokens(name: str, how: object) -> list[list[int]]:
        chosen = settings_of_method("finetune", params.finetune, "x", {"pair_encoding": how})
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


@pytest.mark.parametrize("method", ["prototypical", "muppet_r3f", "uncertainty"])
def test_a_task_may_be_called_as_torch_calls_its_own(method: str, workdir: Path) -> None:
    content = read_yaml(workdir / "params.yaml")
    own = {"sst": "type", "para": "train", "sts": "forward"}
    content["tasks"] = {own.get(name, name): task for name, task in content["tasks"].items()}
    content |= {"methods": [method], "compare": []}
    written(workdir, content)
    patch_params(workdir, {"embed": {"method": method}, "export": {"method": method}})
    run_steps(*UNTRAINED)
    run_method(method)
    run_steps("export")
    model = protomtl.load(workdir / "results/export")
    assert model.predict_proba("type", ["a good film"]).shape == (1, 5) and model.prototypes("forward").shape == (6, 32)
    names = load_file(workdir / f"results/finetune/{method}/seed1/heads.safetensors").keys()
    assert {name.partition(".")[0] for name in names} == {"%type", "%train", "%forward"}
