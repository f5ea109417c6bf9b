"""Encoder, heads and prototypes, and the folder of a trained model. The stages that encode depend on it."""
