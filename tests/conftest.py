"""Fixtures that every test may use, by the module that makes them, and how Hypothesis runs."""

import os
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.docker", "tests.support.registry"]

# A busy machine is no failure: no test here is a measure of time.
settings.register_profile("gaia", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gaia")


def pytest_configure(config: pytest.Config) -> None:
    """Let no test write into the cache of whoever runs it."""
    if not hasattr(config, "workerinput"):  # the workers inherit the variable
        directory = os.environ["GAIA_CACHE_DIR"] = tempfile.mkdtemp(prefix="gaia-tests-")
        config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))


def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each core of a small machine: half of the time a test waits for a process that it has started."""
    cores = os.cpu_count() or 1
    return max(cores, min(2 * cores, 8))
