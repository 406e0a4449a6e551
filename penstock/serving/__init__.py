"""What scoring jobs share when they score: the worker's frame, and clients of model servers. No engine in it."""
