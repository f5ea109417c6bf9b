"""Places that data come from."""

import hashlib
from pathlib import Path


def files_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


# --- fetch.mirror


def make_mirror(folder: Path, names: list[str], marker: str = " ") -> Path:
    """A mirror as `sha256sum` (or `sha256sum --binary`, marker `*`) writes it; each file holds its name."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"content of {name}\n")
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()} {marker}{name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder
