"""Builders for tests, shipped so that users can test their own routing, transforms and models."""
