"""What would it have cost? A trace replayed under several policies, on a clock that only this package moves.

`traces` says what is replayed, `scenario` under which conditions. `flow` moves the requests, `world` the backends,
and a policy of `policies` decides; `observing` shows it what the runtime would have shown. `oracle` finds the offline
optimum, `outcome` and `comparison` put figures on it all. Files, screens and reports are elsewhere: everything here
is pure.
"""
