"""One module for each command that is no step, under the command's name. No stage depends on it."""
