"""Inside a worker or its zygote: the function's own process. Standard library only."""
