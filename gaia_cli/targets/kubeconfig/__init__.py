"""The user's kubeconfig, read as kubectl reads it: `files` finds and merges, `entries` checks, `access` uses.

Whatever a file says that is not understood here is refused: Gaia never acts with other rights than the file grants.
"""
