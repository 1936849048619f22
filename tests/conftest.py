"""Fixtures that every test may use, by the module that makes them, and how Hypothesis runs."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.docker"]

# A busy machine is no failure: no test here is a measure of time.
settings.register_profile("gaia", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gaia")
