"""A Knative control plane for tests: the real programs, built from Go modules, on one machine and without a registry.

Real: etcd, the API server with RBAC, controller manager and scheduler, Knative's controller, webhook, autoscaler and
activator. Stood in for: nodes and kubelets (kwok; `kubelet` for pods that must really run) and the ingress.

A plane is one process tree in namespaces of its own (network, processes, mounts), so several stand side by side: each
has a number, and from the number follow its directory, its addresses and the one link that is seen outside. When its
first process dies, the kernel takes away all the rest.

    python -m tests.support.control_plane build     once a machine: ten minutes
    python -m tests.support.control_plane up        prints KUBECONFIG
    python -m tests.support.control_plane down
"""
