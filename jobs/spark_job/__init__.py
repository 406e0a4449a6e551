"""The Spark job: request topics of pipelines of Spark ML -> scored in the driver -> results, dead letters."""
