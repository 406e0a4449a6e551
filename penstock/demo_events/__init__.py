"""Events of the demo, for each of its models: iris rows, short texts, images of digits, and a mix of them."""
