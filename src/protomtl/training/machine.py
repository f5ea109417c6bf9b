"""What this machine is and what it computes with: facts for people and receipts, no part of a result."""

import os
import platform
import re
from pathlib import Path
from typing import Any

import torch


def machine() -> dict[str, Any]:
    """Processor, system and kernels of this machine, as far as the system tells."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "kernels": kernels(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Its name and model as Linux has them, else what Python knows."""
    text = cpuinfo.read_text(encoding="utf-8") if cpuinfo.exists() else ""
    found = {key: re.search(rf"^{key}\s*: (.+)$", text, re.MULTILINE) for key in ("model name", "model", "vendor_id")}
    words = {key: match[1].strip() for key, match in found.items() if match}
    if "model name" not in words:
        return platform.processor() or platform.machine()
    rest = ", ".join(f"{key} {words[key]}" for key in ("vendor_id", "model") if key in words)
    return f"{words['model name']} ({rest})" if rest else words["model name"]


def kernels() -> str:
    """The instructions that torch's kernels use here, and the library of its matrix products."""
    capability = torch.backends.cpu.get_cpu_capability()
    amx = " with AMX" if torch.cpu._is_amx_tile_supported() else ""
    library = re.search(r"(oneDNN|MKL-DNN)[^\n]*?v([\d.]+)", torch.__config__.show())
    return f"{capability}{amx}" + (f", oneDNN {library[2]}" if library else "")
