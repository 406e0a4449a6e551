"""A Flink SQL job that stays in the JVM: what Flink and the broker cost without any Python."""
