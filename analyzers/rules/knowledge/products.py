"""Products of matrices, as a rule and a prediction ask for them."""

from analyzers.facts.model import Call

MATRIX_MODULES = ("torch", "numpy", "cupy", "jax.numpy", "tensorflow", "operator.matmul", "scipy.linalg")


def is_product(call: Call) -> bool:
    """Return whether `call` multiplies two matrices."""
    return call.name.startswith(MATRIX_MODULES) and call.method in ("matmul", "dot", "mm")
