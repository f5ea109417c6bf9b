"""The network of an export by its format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def opened(folder: Path, record: Mapping[str, Any], threads: int) -> Any:
    """SystemExit for a format that there is not, and for damaged files."""
    match record["format"]:
        case "onnx" | "onnx-int8":
            from protomtl.backends.onnx import OnnxNetwork

            return OnnxNetwork(folder, record, threads)
        case "static":
            from protomtl.backends.static import StaticNetwork

            return StaticNetwork(folder, record)
    raise SystemExit(f"{folder}: its format {record['format']!r} is of a later protomtl; update it")
