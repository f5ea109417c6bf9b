"""Which device and precision `auto` is, and with how many threads it computes."""

import os
import signal
import time
from pathlib import Path
from threading import Event, Thread

import pytest
import torch

from protomtl.model.device import device_of, enough_memory, is_intel, precision_of, put, threads
from protomtl.model.encoder import Encoder
from protomtl.model.settings import Compute
from protomtl.params import load
from tests.support import ROOT

FP32 = Compute(device="cpu", precision="fp32", threads=1, processes=1)


@pytest.mark.parametrize(
    ("amx", "avx512_bf16", "intel", "expected"),
    [
        (True, True, True, "bf16"),
        (False, True, False, "bf16"),
        (False, True, True, "fp32"),
        (False, False, False, "fp32"),
    ],
)
def test_auto_is_bf16_where_products_of_it_are_faster(
    monkeypatch: pytest.MonkeyPatch, amx: bool, avx512_bf16: bool, intel: bool, expected: str
) -> None:
    monkeypatch.delenv("ATEN_CPU_CAPABILITY", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    monkeypatch.setattr("protomtl.model.device.is_intel", lambda: intel)
    auto = FP32.model_copy(update={"precision": "auto"})
    assert precision_of(auto, torch.device("cpu")) == expected


def test_auto_is_fp32_where_torch_is_kept_from_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    auto = FP32.model_copy(update={"precision": "auto"})
    for capability, expected in (("avx2", "fp32"), ("default", "fp32"), ("avx512", "bf16")):
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", capability)
        assert precision_of(auto, torch.device("cpu")) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("vendor_id\t: GenuineIntel\n", True), ("vendor_id\t: AuthenticAMD\n", False)]
)
def test_the_vendor_is_what_linux_says(tmp_path: Path, text: str, expected: bool) -> None:
    assert not is_intel(tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text(text)
    assert is_intel(tmp_path / "cpuinfo") == expected


def test_auto_precision_and_device_are_resolved() -> None:
    auto = load(ROOT / "params.yaml").compute
    assert precision_of(auto, device_of(auto)) in ("bf16", "fp32")
    if not torch.cuda.is_available():
        with pytest.raises(SystemExit, match=r"compute\.device"):
            device_of(auto.model_copy(update={"device": "cuda"}))


def test_a_full_gpu_ends_with_one_line_that_names_the_option() -> None:
    with pytest.raises(SystemExit, match=r"^finetune: .* compute\.micro_batch") as caught, enough_memory("finetune"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nOf the allocated memory …")
    assert "\n" not in str(caught.value)


def test_values_that_are_there_already_are_not_copied() -> None:
    values = torch.ones(3)
    assert put(values, torch.device("cpu")) is values
    assert put(values, torch.device("meta")).device.type == "meta"


def test_a_forked_process_computes_with_one_thread_and_does_not_hang() -> None:
    """OpenMP's threads do not live on in it."""

    def compute() -> int:
        with threads(2):
            torch.ones(2048, 512).softmax(1)
            return torch.get_num_threads()

    assert compute() == 2
    child = os.fork()
    if not child:
        os._exit(compute())
    end = time.monotonic() + 60
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(0.02)
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
    assert ended[0] == child and os.waitstatus_to_exitcode(ended[1]) == 1


@pytest.mark.parametrize("first_out", [0, 1])
def test_threads_of_the_program_leave_what_was_before_all_of_them(first_out: int) -> None:
    """Two are inside at once. The second finds the number of the first, and must not leave it."""
    before, found = torch.get_num_threads(), []
    entered, leave = [Event(), Event()], [Event(), Event()]

    def inside(own: int) -> None:
        with threads(1):
            entered[own].set()
            leave[own].wait(10)
        found.append(torch.get_num_threads())

    several = [Thread(target=inside, args=(own,)) for own in (0, 1)]
    torch.set_num_threads(3)
    try:
        for own, thread in enumerate(several):
            thread.start()
            entered[own].wait(10)
        for own in (first_out, 1 - first_out):
            leave[own].set()
            several[own].join()
        late = Thread(target=lambda: found.append(torch.get_num_threads()))
        late.start()
        late.join()
    finally:
        torch.set_num_threads(before)
    assert found == [3, 3, 3]


def test_inside_itself_it_leaves_the_number_of_the_outer_one() -> None:
    before = torch.get_num_threads()
    with threads(2):
        with threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == before


def test_vectors_are_told_apart_by_weights_and_by_the_kernels_of_the_processor(
    tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(tiny_backbone, "mean", FP32)
    seen = [encoder.fingerprint()]
    assert encoder.fingerprint() == seen[0]
    with torch.no_grad():
        encoder.network.embeddings.LayerNorm.bias[0] += 1
    seen.append(encoder.fingerprint())
    amx = torch.cpu._is_amx_tile_supported()
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: not amx)
    seen.append(encoder.fingerprint())
    assert seen[0] != seen[1] != seen[2] and seen[1][0] == seen[2][0]
    assert encoder.identity[1:] == seen[2][1:]
    encoder.compiled = not encoder.compiled
    assert encoder.fingerprint()[0] == seen[2][0] and encoder.fingerprint() != seen[2]
