"""What is measured of functions in a cluster: numbers of pods, from themselves or from Prometheus, in one view."""
