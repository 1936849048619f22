"""Find the brightest spot of a frame after smoothing it: small frames suit a CPU, large ones a GPU.

One function for every place of the continuum: gaia.toml says what each place gives, and the code knows of none. On the
emulated GPU lane nothing is computed: the function sleeps as long as a simple model says, and its answer says so.
"""

import os
import time

import numpy as np

ON_GPU = os.environ.get("GAIA_BACKEND") == "gpu"
ACCELERATOR = os.environ.get("GAIA_ACCELERATOR", "none")
LARGEST = 4096
FIXED_S = 0.01
PIXELS_PER_S = 4e8

if ON_GPU and ACCELERATOR == "nvidia":
    import cupy

    cupy.zeros(1)


def handler(payload):
    size = payload.get("size", 256) if isinstance(payload, dict) else None
    if not isinstance(size, int) or not 1 <= size <= LARGEST:
        raise ValueError(f'"size" must be a whole number from 1 to {LARGEST}')
    emulated = ON_GPU and ACCELERATOR == "emulated"
    if emulated:
        time.sleep(FIXED_S + size * size / PIXELS_PER_S)
        spot = None
    elif ON_GPU and ACCELERATOR == "nvidia":
        spot = brightest(cupy, size)
    else:
        spot = brightest(np, size)
    return {"size": size, "spot": spot, "backend": "gpu" if ON_GPU else "cpu", "emulated": emulated}


def brightest(xp, size):
    """The place of the brightest pixel of a smoothed random frame, with NumPy or CuPy as `xp`."""
    frame = xp.random.default_rng(size).random((size, size))
    waves = xp.fft.fftfreq(size)
    smoothing = xp.exp(-200 * (waves[:, None] ** 2 + waves[None, :] ** 2))
    smooth = xp.fft.ifft2(xp.fft.fft2(frame) * smoothing).real
    return [int(place) for place in divmod(int(xp.argmax(smooth)), size)]
