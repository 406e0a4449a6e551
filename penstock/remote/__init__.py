"""How servers that have models are asked: connections, breakers, further attempts, and arrays as they go over."""
