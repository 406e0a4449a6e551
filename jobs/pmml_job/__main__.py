"""Submits the PMML job."""

from jobs.pmml_job.pipeline import JOB_NAME, build
from penstock.flink.submit import main

if __name__ == "__main__":
    main(JOB_NAME, build)
