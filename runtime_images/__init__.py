"""What runs in a container or a cluster: the policy, the Dynamic Function Runtime, the image recipes."""
