"""The runtime with pauses after failures a tenth as long: `python -m tests.support.quick_runtime`."""

import runpy

from runtime_images.policy import pauses

for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S", "FIRST_SWITCH_PAUSE_S", "LONGEST_SWITCH_PAUSE_S"):
    setattr(pauses, name, getattr(pauses, name) / 10)
runpy.run_module("runtime_images.dynamic_runtime", run_name="__main__")
