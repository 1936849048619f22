"""Where numbers come from is what was asked for, or an error before anything is watched."""

import httpx2
import pytest

from runtime_images.cluster.access import Access
from runtime_images.controller.measuring.observer import SourceError, observer_of


@pytest.fixture
def access() -> Access:
    return Access("http://127.0.0.1:9", "faces", "nowhere", "nobody", httpx2.AsyncHTTPTransport)


@pytest.mark.parametrize("source", ["pods", "api", "http://prometheus.monitoring:9090", "https://prometheus:443/p"])
def test_each_source_makes_an_observer(access: Access, source: str) -> None:
    assert observer_of(access, "faces", source) is not None


@pytest.mark.parametrize("source", ["", "Pods", "file:///etc/passwd", "ftp://x", "prometheus:9090"])
def test_what_is_no_source_is_refused_by_name(access: Access, source: str) -> None:
    with pytest.raises(SourceError, match="none of pods, api and the address"):
        observer_of(access, "faces", source)
