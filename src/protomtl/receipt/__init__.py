"""A run here beside a kept one: did I reproduce it? No stage depends on it."""
