"""The zygote: what it imports ahead, how it forks workers, and what must be new in each of them."""
