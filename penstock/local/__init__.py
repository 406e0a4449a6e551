"""The embedded stack: a real broker and a real Flink cluster as supervised processes of this machine."""
