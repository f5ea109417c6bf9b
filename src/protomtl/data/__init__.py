"""Reading, checking and splitting rows. Stage `prepare` depends on it."""
