"""What scoring jobs share beyond the frame: a worker of any engine, and how requests are read."""
