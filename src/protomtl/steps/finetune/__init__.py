"""Step `finetune`: encoder and heads on all tasks, by steps or, for an encoder that stays as it is, in closed form."""
