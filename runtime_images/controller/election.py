"""Who leads: the holder of a Lease, as each process judges by what it has read and by its own clock.

A holder replaces the Lease at the version that it read, so of two that try only one succeeds, whatever names they write
under. The times in a Lease are another machine's, and may be an hour off: a Lease has run out when it has not changed
for as long as it says, by the own clock. One who cannot renew in time stops writing before anybody else may begin.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.errors import ClusterError, RefusedError
from runtime_images.cluster.kinds import LEASE

LEASE_NAME = "gaia-controller"
LEASE_S = 10
"""How long a Lease lasts without a change."""
LEADS_S = 6.0
"""How long its holder leads after it last renewed it: less, so that there is never a second one."""
RENEW_S = 1.0
"""Between two renewals, and between two looks of who waits."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A version of the Lease, and when it was first seen here."""

    version: str
    at: float


class Elector:
    """Stands for election; `leads` answers whether this process may write now."""

    def __init__(
        self, api: Api, identity: str, namespace: str, clock: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self.identity = identity
        self._api, self._namespace, self._clock, self._wall = api, namespace, clock, wall
        self._sighting = Sighting("", 0.0)
        self._held: Object | None = None
        self._until = 0.0

    def leads(self) -> bool:
        """Return whether this process leads at this moment."""
        return self._clock() < self._until

    async def run(self) -> None:
        """Stand for election until cancelled."""
        while True:
            await self.stand()
            await asyncio.sleep(RENEW_S)

    async def stand(self) -> bool:
        """Renew the Lease, or take it where it is free; return whether this process leads."""
        asked_at = self._clock()
        try:
            if await self._hold(asked_at):
                self._until = asked_at + LEADS_S
        except RefusedError as error:
            if error.is_conflict or error.status == 409:  # somebody was quicker: what is so is read at the next look
                self._until = 0.0
            _LOG.log(logging.INFO if error.status == 409 else logging.WARNING, "the lease is not mine: %s", error)
        except ClusterError as error:
            _LOG.warning("the lease cannot be renewed: %s", error)
        return self.leads()

    async def release(self) -> None:
        """Give the Lease back, so that the next one need not wait."""
        self._until = 0.0
        try:
            lease = await self._api.get(LEASE, LEASE_NAME, self._namespace)
            if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
                await self._api.replace(self._written(lease, holder=""), self.identity)
        except ClusterError as error:
            _LOG.warning("the lease is left to run out: %s", error)

    async def _hold(self, now: float) -> bool:
        """Renew the Lease that was last written; where that is not known, or not so any more, read it first."""
        held, self._held = self._held, None
        if held is not None:
            try:
                return self._keep(await self._api.replace(self._written(held, self.identity), self.identity))
            except RefusedError as error:
                if error.status not in (404, 409):
                    raise
        return await self._take(now)

    async def _take(self, now: float) -> bool:
        lease = await self._api.get(LEASE, LEASE_NAME, self._namespace)
        if lease is None:
            return self._keep(await self._api.create(self._written(None, self.identity), self.identity))
        if self._is_mine_to_take(lease, now):
            return self._keep(await self._api.replace(self._written(lease, self.identity), self.identity))
        self._until = 0.0
        return False

    def _keep(self, written: Object) -> bool:
        is_mine: bool = written["spec"].get("holderIdentity") == self.identity
        self._held = written if is_mine else None
        return is_mine

    def _is_mine_to_take(self, lease: Object, now: float) -> bool:
        spec, version = lease.get("spec") or {}, lease["metadata"]["resourceVersion"]
        if version != self._sighting.version:
            self._sighting = Sighting(version, now)
        if spec.get("holderIdentity") in (self.identity, "", None):
            return True
        lasts_s = float(spec.get("leaseDurationSeconds") or LEASE_S)
        return now - self._sighting.at > lasts_s

    def _written(self, lease: Object | None, holder: str) -> Object:
        """Return the Lease to write; with the version that was read, so that nothing newer is replaced."""
        spec: dict[str, Any] = dict((lease or {}).get("spec") or {})
        at = datetime.fromtimestamp(self._wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if spec.get("holderIdentity") != holder:
            spec |= {"acquireTime": at, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
        spec |= {"holderIdentity": holder, "leaseDurationSeconds": LEASE_S, "renewTime": at}
        metadata = {"name": LEASE_NAME, "namespace": self._namespace} if lease is None else lease["metadata"]
        return {"apiVersion": LEASE.api_version, "kind": LEASE.name, "metadata": metadata, "spec": spec}
