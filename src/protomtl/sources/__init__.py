"""Where data and encoders come from, and their checksums. Stages `download` and `backbone` depend on it."""
