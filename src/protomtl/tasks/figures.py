"""What the figures of a task are called, on which scale they lie, and which of them count for `overall`."""

from typing import Literal, NamedTuple

MetricName = Literal["accuracy", "macro_f1", "balanced_accuracy", "mcc", "pearson", "spearman", "rmse"]


class Figure(NamedTuple):
    words: str
    smallest: float | None  # of its scale, of which 1 is the largest; None: less is better, and no mean has it
    hub: str  # what the Hugging Face hub calls it, for the model card

    @property
    def sign(self) -> int:
        """1 where more of it is better, -1 where less is."""
        return -1 if self.smallest is None else 1

    def rescaled(self, value: float) -> float:
        """The value on a scale from 0 to 1: of a correlation (r + 1) / 2."""
        low = self.smallest or 0.0
        return (value - low) / (1 - low)


FIGURES: dict[MetricName, Figure] = {
    "accuracy": Figure("accuracy", 0.0, "accuracy"),
    "macro_f1": Figure("macro-F1", 0.0, "f1"),
    "balanced_accuracy": Figure("balanced accuracy", 0.0, "balanced_accuracy"),
    "mcc": Figure("Matthews correlation", -1.0, "matthews_correlation"),
    "pearson": Figure("Pearson correlation", -1.0, "pearsonr"),
    "spearman": Figure("Spearman correlation", -1.0, "spearmanr"),
    "rmse": Figure("root mean squared error", None, "rmse"),
}
