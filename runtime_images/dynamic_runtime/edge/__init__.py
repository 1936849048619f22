"""The HTTP/1.1 edge: connections, requests, responses and their limits."""
