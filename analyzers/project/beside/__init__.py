"""What lies beside the code and decides as much: weights, kernels, environment variables."""
