"""What is measured and reported: lanes, devices, events, metrics, the admin address."""
