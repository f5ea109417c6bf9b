"""Prototypical pre-training for multi-task sentence encoders, as a pipeline of small steps."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from protomtl.classifier import PrototypeClassifier, TextEncoder
    from protomtl.inference import Model, load

__version__ = "0.1.0"
__all__ = ["Model", "PrototypeClassifier", "TextEncoder", "load"]


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: torch takes seconds, which `protomtl --help` does not need."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module("protomtl.inference" if name in ("Model", "load") else "protomtl.classifier")
    return getattr(module, name)
