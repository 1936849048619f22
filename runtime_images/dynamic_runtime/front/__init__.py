"""The front: the queue, the routing, and each worker's end of the socket."""
