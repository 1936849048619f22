"""What stands in for the parts of a cluster that no module has: kubelets, the ingress, name service, played pods.

Each is a program of its own in the plane, so that a test can stop any of them.
"""
