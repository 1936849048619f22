"""How a deployment comes to stand on Knative: what stands there, whose it is, what changes, the writes, the wait."""
