"""Penstock: model serving on Kafka event streams."""
