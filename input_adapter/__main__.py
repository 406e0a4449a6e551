"""Submits the input adapter."""

from input_adapter.pipeline import DEPLOYABLE, build
from penstock.flink.submit import main

if __name__ == "__main__":
    main(DEPLOYABLE, build)
