"""The jobs: the deployables that score."""
