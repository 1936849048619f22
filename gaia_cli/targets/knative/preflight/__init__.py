"""What a cluster must have before a deploy writes to it: `reading` asks the cluster, all else decides on what was read.

`run.preflight` is the one list of checks, for `gaia deploy` and `gaia doctor --target` alike.
"""
