"""The policy: pure decisions about where a function runs, and the words every part of Gaia shares."""
