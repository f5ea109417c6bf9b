"""What a task is, and what its kind means: labels, losses, predictions. All stages that know tasks depend on it."""
