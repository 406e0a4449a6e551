"""Live documents: the control topics, who follows them, and what the followers answer."""
