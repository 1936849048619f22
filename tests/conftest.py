"""Fixtures that every test may use, by the module that makes them."""

pytest_plugins = ["tests.support.docker"]
