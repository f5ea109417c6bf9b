"""Which versions of libraries a result is of."""

from importlib.metadata import version

LIBRARIES = ("torch", "transformers", "safetensors", "numpy", "scipy", "scikit-learn")


def versions() -> dict[str, str]:
    """Of the libraries that decide a result's bytes."""
    return {name: version(name) for name in LIBRARIES}
