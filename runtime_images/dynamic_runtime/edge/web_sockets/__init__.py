"""WebSockets on the client's side: a connection that goes on as one, and what is spoken on it then."""
