"""The job that asks model servers: TensorFlow Serving, and what speaks the Open Inference Protocol."""
