"""When and how each call runs: at import, at start-up, in a request; in a loop; in a coroutine."""
