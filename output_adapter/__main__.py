"""Submits the output adapter."""

from output_adapter.pipeline import DEPLOYABLE, build
from penstock.flink.submit import main

if __name__ == "__main__":
    main(DEPLOYABLE, build)
