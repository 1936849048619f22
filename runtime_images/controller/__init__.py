"""The controller: the policy's loop over the functions of a cluster, where a switch is a decision about traffic."""
