"""A server of SavedModels for one machine: it speaks TensorFlow Serving's protocol and is not TensorFlow Serving."""
