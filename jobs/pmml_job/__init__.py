"""The PMML job: scores requests with PMML models."""
