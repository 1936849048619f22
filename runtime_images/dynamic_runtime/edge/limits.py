"""How long the edge waits for a client, in seconds; docs/http.md tells them to users, and what comes after each."""

HEAD_TIMEOUT_S = 30.0
"""For a whole head, from its first byte."""

BODY_TIMEOUT_S = 30.0
"""For the next part of a body."""

LEAST_BODY_RATE = 1024
"""Bytes a second. A body has `BODY_TIMEOUT_S`, and as long as what has come of it would take at this rate: so one that
trickles, a byte now and then, ends. Apache asks for 500 by default (mod_reqtimeout), Kestrel for 240."""

IDLE_TIMEOUT_S = 90.0
"""Between two requests. Longer than what load balancers keep a connection: they, not we, shall close it."""

WRITE_TIMEOUT_S = 60.0
"""Without a byte taken, for a client that has an answer to read."""

HANDLER_PATIENCE_S = 10.0
"""The same, while a thread of a blocking handler waits for that client and serves nobody else."""

LINGER_S = 1.0
"""Between our last byte and the close, for the client to read it (RFC 9112, 9.6)."""

HALF_CLOSE_S = 0.2
"""A client that ends its half of the connection so soon after its request wants the answer; later, it has left."""

FROM_THE_NEXT_TICK = -1.0
"""A deadline that begins to run with the next look at it: no answer need read the clock for it."""
