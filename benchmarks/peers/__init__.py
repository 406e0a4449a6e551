"""Reference programs: each does by other means what a part of Penstock does."""
