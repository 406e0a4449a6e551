"""Submits the input adapter."""

from input_adapter.pipeline import JOB_NAME, build
from penstock.flink.submit import main

if __name__ == "__main__":
    main(JOB_NAME, build)
