"""What is measured and reported: statistics of the backends, devices, observations, events, metrics."""
