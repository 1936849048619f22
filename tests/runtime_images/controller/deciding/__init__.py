"""Tests of what the controller decides."""
