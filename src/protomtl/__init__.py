"""Prototypical pre-training for multi-task sentence encoders, as a pipeline of small steps."""

TYPE_CHECKING = False  # as checkers of types know the name; `typing` would be the slowest import before `main` begins

if TYPE_CHECKING:
    from protomtl.inference.estimators import PrototypeClassifier
    from protomtl.inference.loading import load
    from protomtl.inference.model import Model
    from protomtl.inference.text_encoder import TextEncoder

__version__ = "0.3.0"
__all__ = ["Model", "PrototypeClassifier", "TextEncoder", "load"]
HOMES = {"Model": "model", "PrototypeClassifier": "estimators", "TextEncoder": "text_encoder", "load": "loading"}


def __getattr__(name: str) -> object:
    """Import a name when it is asked for: torch takes seconds, which `protomtl --help` does not need."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"protomtl.inference.{HOMES[name]}"), name)
