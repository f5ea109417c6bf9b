"""What every step needs: settings, sections of params.yaml, paths, files. All stages depend on it."""
