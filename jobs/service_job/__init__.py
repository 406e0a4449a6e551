"""The service job: scores requests with models that model servers hold."""
