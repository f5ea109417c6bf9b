"""A trained model outside the pipeline. No stage depends on it."""
