"""Fuzzers: hostile input of every kind, made at random from a seed; `make fuzz` runs them (CONTRIBUTING.md).

pytest collects none of these modules but the tests beside them, which run a few hundred cases of each.
"""
