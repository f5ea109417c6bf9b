"""Reading, checking and splitting rows. Stages `prepare` and `perturb` depend on it."""
