"""The one training loop and its parts. Stages `pretrain` and `finetune` depend on it."""
