"""Step `evaluate`: dev and test figures, predictions and confusion matrices of one method and seed."""
