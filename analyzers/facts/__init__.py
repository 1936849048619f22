"""What the code says, as frozen values: stage 1 reads syntax trees, stage 2 asks astroid."""
