"""BERT without padding, with its own backward pass. Only model/encoder.py may import it."""
