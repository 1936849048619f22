"""What would it have cost? A trace replayed under several policies, on a clock that only this package moves.

`traces` says what is replayed, `scenario` under which conditions. `flow` moves the requests, `world` the backends,
and a policy of `policies` decides, shown what the runtime would have shown. `oracle` finds the offline optimum, and
`comparison` puts figures on it all. Screens and reports are elsewhere.
"""
