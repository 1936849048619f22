"""GA4xx and GA5xx: how much work a request is, and how large the models are."""
