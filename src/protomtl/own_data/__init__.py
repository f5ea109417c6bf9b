"""What `protomtl init` makes of a user's files: their rows, tasks, params.yaml. No stage depends on it."""
