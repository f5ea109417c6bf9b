"""Step `tables`: Tables 1 and 2, and comparisons."""
