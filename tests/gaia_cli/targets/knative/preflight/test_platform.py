"""What is said of a cluster's Knative and of settings that may not be read."""

from gaia_cli.targets.checks import State
from gaia_cli.targets.knative.preflight.dry_runs import DryRun
from gaia_cli.targets.knative.preflight.planned import planned_pods
from gaia_cli.targets.knative.preflight.platform import check_features, check_knative, check_namespace
from gaia_cli.targets.knative.preflight.reading import Facts, Unreadable
from runtime_images.cluster.api import Object
from runtime_images.cluster.errors import RefusedError

KINDS = frozenset(("Configuration", "Route", "Revision", "Service"))
CONFIGURATION: Object = {
    "kind": "Configuration",
    "metadata": {"name": "hello-cpu"},
    "spec": {"template": {"spec": {"nodeSelector": {"zone": "a"}, "containers": [{"image": "x"}]}}},
}
FLAG = "kubernetes.podspec-nodeselector"


def test_a_cluster_without_knative_is_told_how_to_get_it() -> None:
    check = check_knative(Facts("v1.36.0", frozenset()))

    assert (check.state, check.message) == (State.FAILED, "this cluster has no Knative Serving")
    assert "install Knative Serving" in check.hint


def test_a_knative_without_a_kind_is_too_old() -> None:
    check = check_knative(Facts("v1.36.0", KINDS - {"Revision"}))

    assert (check.state, check.message) == (State.FAILED, "the cluster's Knative has no Revision")


def test_the_version_is_that_of_knatives_own_settings() -> None:
    labels = {"app.kubernetes.io/name": "knative-serving", "app.kubernetes.io/version": "1.19.2"}

    assert "1.19.2" in check_knative(Facts("v1", KINDS, features={"metadata": {"labels": labels}})).message


def test_a_namespace_in_deletion_is_none() -> None:
    dying: Object = {"metadata": {"name": "shop", "deletionTimestamp": "2026-11-28T00:00:00Z"}}

    check = check_namespace(Facts("v1", KINDS, namespace=dying), "shop")

    assert (check.state, check.message) == (State.FAILED, "the namespace shop is being deleted")


def test_a_flag_that_may_not_be_read_is_on_where_the_dry_run_takes_the_plan() -> None:
    hidden = Unreadable("get", "configmaps/config-features", "knative-serving")
    pods = planned_pods([CONFIGURATION])

    taken = Facts("v1", KINDS, features=hidden, dry_runs=(DryRun(CONFIGURATION, None),))
    refused = Facts(
        "v1", KINDS, features=hidden, dry_runs=(DryRun(CONFIGURATION, None, refusal=RefusedError("no", status=400)),)
    )

    assert [(check.name, check.state) for check in check_features(taken, pods)] == [(f"feature {FLAG}", State.OK)]
    [unknown] = check_features(refused, pods)
    assert unknown.state is State.UNKNOWN
    assert "may not get configmaps/config-features in namespace knative-serving" in unknown.message
