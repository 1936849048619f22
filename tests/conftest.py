"""Fixtures that every test may use, by the module that makes them, and how Hypothesis runs."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.docker"]

# A busy machine is no failure: no test here is a measure of time.
settings.register_profile("gaia", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gaia")


def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each core of a small machine: half of the time a test waits for a process that it has started."""
    cores = os.cpu_count() or 1
    return max(cores, min(2 * cores, 8))
