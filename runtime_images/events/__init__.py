"""What the runtime reports while it serves: one frozen type for each event, and the one codec to and from JSON.

The runtime emits these, the engines read them, the history of a run folds them. docs/events.md and the schema of the
stream are generated from the types: a class's docstring says when it is emitted, a field's annotation what it holds.
"""
