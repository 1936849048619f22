"""`python -m runtime_images.dynamic_runtime`: serve one function, as the environment says (settings.py)."""

import gc
import os
import sys
from dataclasses import replace

import uvloop

from runtime_images.dynamic_runtime.clock import SystemClock
from runtime_images.dynamic_runtime.runtime import Runtime
from runtime_images.dynamic_runtime.settings import Settings, SettingsError
from runtime_images.dynamic_runtime.telemetry.event_log import EventLog
from runtime_images.dynamic_runtime.workers.orphans import end_adopted


def main() -> int:
    """Run the runtime; return the exit code."""
    clock = SystemClock()
    events = EventLog(clock, sys.stdout.fileno())
    try:
        settings = Settings.from_environ(os.environ)
        settings.check_admin()
    except SettingsError as error:
        sys.stderr.write(f"gaia runtime: {error}\n")
        return 2
    settings = replace(settings, function_dir=settings.function_dir.resolve())

    gc.freeze()  # all objects so far stay: the collector need not scan them again every few thousand requests

    async def serve() -> int:
        return await Runtime(settings, clock, events).run()

    try:
        return uvloop.run(serve())
    finally:
        end_adopted()
        events.close()


if __name__ == "__main__":
    sys.exit(main())
