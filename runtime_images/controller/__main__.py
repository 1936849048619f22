"""The controller in a pod: `python -m runtime_images.controller`, with everything it must know in its environment.

GAIA_NAMESPACE is the namespace whose functions it serves, "*" or nothing for all; the pod's own has its Lease.
GAIA_METRICS_FROM says where the numbers of functions come from (docs/controller.md), GAIA_CONTROLLER_PORT where its own
are asked for. GAIA_POD is the pod's uid: a process that is started again in the same pod holds the Lease of the last.
"""

import asyncio
import logging
import os
import sys

from runtime_images.cluster.access import from_pod
from runtime_images.cluster.errors import ClusterError
from runtime_images.cluster.words import CONTROLLER_PORT
from runtime_images.controller.life import Controller, Options, log_json_lines, run_until_signal
from runtime_images.controller.measuring.observer import PODS, SourceError, observer_of


async def _run() -> int:
    access = from_pod(os.environ)
    options = Options(
        namespace=os.environ.get("GAIA_NAMESPACE") or "*",
        lease_namespace=access.namespace,
        host="0.0.0.0",  # noqa: S104 -- in a pod, for the cluster's Prometheus
        port=int(os.environ.get("GAIA_CONTROLLER_PORT") or CONTROLLER_PORT),
        pod=os.environ.get("GAIA_POD", ""),
    )
    observer = observer_of(access, options.namespace, os.environ.get("GAIA_METRICS_FROM") or PODS)
    await run_until_signal(Controller(access, options, observer))
    return 0


def main() -> int:
    """Run until the pod ends; return the exit code."""
    log_json_lines()
    try:
        return asyncio.run(_run())
    except SourceError as error:
        logging.getLogger(__name__).critical("GAIA_METRICS_FROM: %s", error)
        return 2
    except ClusterError as error:
        logging.getLogger(__name__).critical("%s", error)
        return 4


if __name__ == "__main__":
    sys.exit(main())
