"""A deploy that a namespace would refuse later is refused at once, with the setting to change, and leaves nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_images.cluster.kinds import CONFIGURATION, NAMESPACE, REVISION, ROUTE
from tests.cluster.conftest import Gaia
from tests.cluster.test_doctor import NAMESPACED, function, quota
from tests.support.control_plane.faults import Gpus
from tests.support.control_plane.objects import Objects, is_ready

IMAGE = f"dev.local/hello@sha256:{'1' * 64}"

Deploy = Callable[..., tuple[int, str]]


@pytest.fixture
def deploy(gaia: Gaia, tmp_path: Path) -> Deploy:
    """`deploy(target, *options)` deploys a function with such a target; returns the exit code and all that was said."""

    def run(target: str = "", *options: str, mode: str = "cpu", kubeconfig: Path | None = None) -> tuple[int, str]:
        function(tmp_path, target, mode=mode)
        more = {"kubeconfig": kubeconfig} if kubeconfig else {}
        done = gaia("deploy", ".", "--target", "prod", "--image", IMAGE, "-y", *options, cwd=tmp_path, **more)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


def nothing_stands(objects: Objects) -> bool:
    return not objects.all(CONFIGURATION) and not objects.all(ROUTE)


def test_a_quota_is_met_before_any_object_is_made(deploy: Deploy, objects: Objects) -> None:
    quota(objects, limits_cpu="4", limits_memory="4Gi")

    code, shown = deploy()
    assert code == 4
    assert "quota wall" in shown
    assert "the function's container" in shown
    assert nothing_stands(objects)

    code, shown = deploy('cpus = 1\nmemory = "512m"')
    assert code == 4
    assert "queue-proxy" in shown
    assert "sidecar_cpus" in shown
    assert nothing_stands(objects)

    code, shown = deploy('cpus = 1\nmemory = "512m"\nsidecar_cpus = 0.1\nsidecar_memory = "128m"')
    assert code == 0, shown
    objects.until(ROUTE, "hello", is_ready)


def test_the_restricted_level_takes_what_gaia_builds(deploy: Deploy, objects: Objects) -> None:
    level = {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    objects.merge(NAMESPACE, objects.namespace, {"metadata": level})

    code, shown = deploy()

    assert code == 0, shown
    container = objects.all(REVISION)[0]["spec"]["containers"][0]["securityContext"]
    assert container["runAsUser"] > 0
    assert container["runAsNonRoot"] is True


def test_a_user_of_one_namespace_deploys(deploy: Deploy, objects: Objects, user: Callable[..., Path]) -> None:
    code, shown = deploy(kubeconfig=user(NAMESPACED))

    assert code == 0, shown
    assert "may not" in shown
    objects.until(ROUTE, "hello", is_ready)


@pytest.mark.parametrize("target", ["gpus = 0.5", 'gpus = "500m"', 'gpu_resource = "gpu"'])
def test_half_a_gpu_is_refused_before_anything_is_sent(deploy: Deploy, objects: Objects, target: str) -> None:
    code, shown = deploy(target, "--dry-run=server", mode="gpu")

    assert code == 2
    assert "targets.prod.gpu" in shown
    assert nothing_stands(objects)


def test_a_function_for_gpus_fails_loudly_where_none_is_free(deploy: Deploy, gpus: Gpus) -> None:
    gpus.set(1)
    gpus.take()

    code, shown = deploy(f'gpu_resource = "{gpus.resource}"', mode="gpu")

    assert code == 4
    assert "0 of 1 are free" in shown


def test_the_same_deploy_again_passes_though_its_own_pod_holds_the_gpu(deploy: Deploy, gpus: Gpus) -> None:
    gpus.set(1)
    target = f'gpu_resource = "{gpus.resource}"'
    assert deploy(target, mode="gpu")[0] == 0

    code, shown = deploy(target, mode="gpu")

    assert code == 0, shown


def test_a_quota_that_the_function_fills_itself_takes_the_same_again(deploy: Deploy, objects: Objects) -> None:
    quota(objects, pods="1")
    assert deploy()[0] == 0

    code, shown = deploy()

    assert code == 0, shown
