"""Submits the output adapter."""

from output_adapter.pipeline import JOB_NAME, build
from penstock.flink.submit import main

if __name__ == "__main__":
    main(JOB_NAME, build)
