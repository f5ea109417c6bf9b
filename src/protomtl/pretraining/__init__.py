"""The objectives of phase 1. Stage `pretrain` depends on it."""
