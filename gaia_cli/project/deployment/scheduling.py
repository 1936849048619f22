"""Affinity and tolerations, which stand in gaia.toml in Kubernetes' own words.

They go to the cluster as they are. Who writes `effects` for `effect` there gets a pod that tolerates more, or less,
than was meant; so each table is checked to its last key.
"""

from collections.abc import Mapping
from typing import Any

from gaia_cli.project.deployment.words import LABEL_KEY, LABEL_VALUE, OBJECT
from gaia_cli.project.environment import VALUE
from gaia_cli.project.kinds import Kind, PartError, choice, integer
from gaia_cli.project.parts import by_name, several, table, that

_NO_VALUES = ("Exists", "DoesNotExist")
_SECONDS = 10**9


def _tolerates(found: Mapping[str, Any]) -> None:
    operator = found.get("operator", "Equal")
    if operator == "Exists" and found.get("value"):
        raise PartError('must be left out where operator is "Exists"', ("value",))
    if operator == "Equal" and "key" not in found:
        raise PartError("is missing", ("key",), 'name the taint\'s key, or write operator = "Exists" for every taint')
    if "tolerationSeconds" in found and found.get("effect") != "NoExecute":
        raise PartError("is of use only with the effect NoExecute", ("tolerationSeconds",))


def _selects(found: Mapping[str, Any]) -> None:
    operator, values = found["operator"], found.get("values", ())
    if operator in _NO_VALUES and values:
        raise PartError(f"must be left out where operator is {operator!r}", ("values",))
    if operator in ("In", "NotIn") and not values:
        raise PartError(f"must be a list of at least one value where operator is {operator!r}", ("values",))
    if operator in ("Gt", "Lt") and (len(values) != 1 or not values[0].lstrip("-").isdecimal()):
        raise PartError(f"must be a list of one whole number where operator is {operator!r}", ("values",))


def _is_not_empty(found: Mapping[str, Any]) -> None:
    if not found:
        raise PartError("must not be empty", (), "say what to prefer, or leave it out")


def _plain(kind: Kind) -> Kind:
    """Return the kind of a list that stays a list, as JSON has them."""
    listed = several(kind, f"a list, each {kind.expects}", least=1)
    return Kind(listed.expects, lambda value: None if (made := listed.convert(value)) is None else list(made))


def _requirement(values: Kind, *operators: str) -> Kind:
    keys = {"key": LABEL_KEY, "operator": choice(*operators), "values": _plain(values)}
    return that(table(keys, "key", "operator"), _selects)


def _weighted(name: str, kind: Kind) -> Kind:
    return _plain(table({"weight": integer(1, 100), name: kind}, "weight", name))


def _rules(required: Kind, preferred: Kind) -> Kind:
    keys = {
        "requiredDuringSchedulingIgnoredDuringExecution": required,
        "preferredDuringSchedulingIgnoredDuringExecution": preferred,
    }
    return that(table(keys), _is_not_empty)


_NODE_TERM = that(
    table(
        {
            "matchExpressions": _plain(_requirement(LABEL_VALUE, "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
            "matchFields": _plain(_requirement(VALUE, "In", "NotIn")),
        }
    ),
    _is_not_empty,
)
_SELECTOR = table(
    {
        "matchLabels": by_name(LABEL_KEY, LABEL_VALUE, "a table of labels"),
        "matchExpressions": _plain(_requirement(LABEL_VALUE, "In", "NotIn", "Exists", "DoesNotExist")),
    }
)
_POD_TERM = table(
    {
        "topologyKey": LABEL_KEY,
        "labelSelector": _SELECTOR,
        "namespaceSelector": _SELECTOR,
        "namespaces": _plain(OBJECT),
        "matchLabelKeys": _plain(LABEL_KEY),
        "mismatchLabelKeys": _plain(LABEL_KEY),
    },
    "topologyKey",
)
_POD_RULES = _rules(_plain(_POD_TERM), _weighted("podAffinityTerm", _POD_TERM))

AFFINITY = table(
    {
        "nodeAffinity": _rules(
            table({"nodeSelectorTerms": _plain(_NODE_TERM)}, "nodeSelectorTerms"), _weighted("preference", _NODE_TERM)
        ),
        "podAffinity": _POD_RULES,
        "podAntiAffinity": _POD_RULES,
    }
)
"""The affinity of a pod."""

TOLERATIONS = several(
    that(
        table(
            {
                "key": LABEL_KEY,
                "operator": choice("Exists", "Equal"),
                "value": LABEL_VALUE,
                "effect": choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
                "tolerationSeconds": integer(0, _SECONDS),
            }
        ),
        _tolerates,
    ),
    'a list of tables such as { key = "nvidia.com/gpu", operator = "Exists", effect = "NoSchedule" }',
)
"""The taints that a pod bears with."""
