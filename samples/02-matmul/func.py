"""Multiply two square matrices of the size that the request names.

Small ones are done on a CPU before a GPU has even been reached; large ones are what GPUs are for. So the
right backend depends on the requests, and nothing but the running function can tell.

- CPU: NumPy, on one thread, as a function with one processor would run.
- GPU (`GAIA_ACCELERATOR=nvidia`): CuPy, the matrices made and multiplied on the device.
- Emulated GPU lane: nothing is multiplied. The function sleeps as long as the model below says a GPU would
  take, and the answer says so with `"emulated": true`.
"""

import os
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # must be set before NumPy is imported

import numpy as np

ON_GPU = os.environ.get("GAIA_BACKEND") == "gpu"
ACCELERATOR = os.environ.get("GAIA_ACCELERATOR", "none")
LARGEST = 4096

if ON_GPU and ACCELERATOR == "nvidia":
    import cupy

    cupy.zeros(1)  # a GPU that cannot be used shows here, before traffic moves to it, and not in the requests

# The modelled GPU: a fixed cost for each request (launches, synchronisation), the two matrices in and one out
# over PCIe, and 2 n^3 operations in double precision at the rate of a mid-range data-centre GPU.
FIXED_S = 0.015
PCIE_BYTES_PER_S = 12e9
FLOP_PER_S = 5e12


def handler(payload):
    size = payload.get("size", 256) if isinstance(payload, dict) else None
    if not isinstance(size, int) or not 1 <= size <= LARGEST:
        raise ValueError(f'"size" must be a whole number from 1 to {LARGEST}')
    begun = time.perf_counter()
    if ON_GPU and ACCELERATOR == "emulated":
        time.sleep(modelled_seconds(size))
        trace = None
    elif ON_GPU and ACCELERATOR == "nvidia":
        trace = trace_of_product(cupy, size)
    else:
        trace = trace_of_product(np, size)
    return {
        "size": size,
        "trace": trace,
        "seconds": round(time.perf_counter() - begun, 6),
        "backend": "gpu" if ON_GPU else "cpu",
        "emulated": ON_GPU and ACCELERATOR == "emulated",
    }


def trace_of_product(xp, size):
    """The trace of a product of two random matrices, with NumPy or CuPy as `xp`."""
    random = xp.random.default_rng(size)
    left = random.random((size, size))
    right = random.random((size, size))
    return round(float(xp.trace(xp.matmul(left, right))), 3)


def modelled_seconds(size):
    """What the modelled GPU takes for one request."""
    moved_bytes = 3 * size * size * 8
    return FIXED_S + moved_bytes / PCIE_BYTES_PER_S + 2 * size**3 / FLOP_PER_S
