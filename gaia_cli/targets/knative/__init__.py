"""A Kubernetes cluster with Knative Serving as a target: how it is reached, and what it must have."""
