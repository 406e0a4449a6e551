"""Runs the Spark job in this process, until it is asked to end."""

from jobs.spark_job.command import main

if __name__ == "__main__":
    main()
