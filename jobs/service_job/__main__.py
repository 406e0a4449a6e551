"""Submits the service job."""

from jobs.service_job.pipeline import DEPLOYABLE, build
from penstock.flink.submit import main

if __name__ == "__main__":
    main(DEPLOYABLE, build)
