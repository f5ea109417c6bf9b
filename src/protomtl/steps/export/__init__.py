"""Step `export`: a trained model as a folder that leaves the pipeline."""
