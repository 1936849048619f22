"""The functions of a namespace, a row each: what a Route and its Configurations say of themselves, from two lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from gaia_cli.project.environment import is_gaias
from gaia_cli.targets.outputs import FunctionRow
from runtime_images.cluster import words
from runtime_images.cluster.api import Api, Object
from runtime_images.cluster.conditions import Readiness, condition, readiness
from runtime_images.cluster.function import FunctionSettings
from runtime_images.cluster.kinds import CONFIGURATION, ROUTE
from runtime_images.policy.model import Backend

OURS = {words.MANAGED_BY_LABEL: words.MANAGED_BY}


async def list_functions(api: Api, namespace: str | None = None) -> list[FunctionRow]:
    """Return the functions of a namespace, by default the one of the context; `EVERYWHERE` for all of them.

    Raises:
        RefusedError: this user may not list them there.
    """
    routes, _ = await api.list(ROUTE, namespace, labels=OURS)
    configurations, _ = await api.list(CONFIGURATION, namespace, labels=OURS)
    return rows(routes, configurations)


def rows(routes: Iterable[Object], configurations: Iterable[Object]) -> list[FunctionRow]:
    """Return a row for each function that has a Route or a Configuration, by namespace and name."""
    backends: dict[tuple[str, str], dict[Backend, Object]] = {}
    fronts: dict[tuple[str, str], Object] = {}
    for route in routes:
        key = (route["metadata"]["namespace"], route["metadata"]["name"])
        fronts[key], backends[key] = route, backends.get(key, {})
    for one in configurations:
        labels = one["metadata"].get("labels") or {}
        backend, function = labels.get(words.BACKEND), labels.get(words.FUNCTION)
        if function and backend in tuple(Backend):
            backends.setdefault((one["metadata"]["namespace"], function), {})[Backend(backend)] = one
    return [row(name, place, fronts.get((place, name)), backends[place, name]) for place, name in sorted(backends)]


def row(name: str, namespace: str, route: Object | None, configurations: Mapping[Backend, Object]) -> FunctionRow:
    """Return what a function's objects say; a Route that is missing is a problem like any other."""
    settings, traffic = settings_of(route), _served(name, route or {})
    problems = [*_route_problems(name, route), *_configuration_problems(configurations)]
    served = max(traffic, key=lambda one: traffic[one]) if any(traffic.values()) else None
    newest = configurations.get(served) if served else next(iter(configurations.values()), None)
    annotations = ((route or newest or {}).get("metadata") or {}).get("annotations") or {}
    return {
        "name": name,
        "namespace": namespace,
        "mode": settings.mode.value if settings else "",
        "accelerator": settings.accelerator.value if settings else "",
        "backend": served.value if served else "",
        "traffic": {backend.value: percent for backend, percent in traffic.items()},
        "ready": not problems,
        "problems": problems,
        "url": ((route or {}).get("status") or {}).get("url", ""),
        "image": image_of(newest) if newest else "",
        "deployed_at": annotations.get(words.DEPLOYED_AT, ""),
    }


def _served(name: str, route: Mapping[str, Any]) -> dict[Backend, int]:
    """Return the percentage that each backend gets, as the status says, also where a user names revisions."""
    shares: dict[Backend, int] = {}
    for target in (route.get("status") or {}).get("traffic") or ():
        backend = backend_of(name, target)
        if backend is not None:
            shares[backend] = shares.get(backend, 0) + int(target.get("percent") or 0)
    return shares


def backend_of(function: str, target: Mapping[str, Any]) -> Backend | None:
    """Return the backend that a target of a Route means, by its tag, its Configuration or its Revision."""
    if target.get("tag") in tuple(Backend):
        return Backend(target["tag"])
    configuration = target.get("configurationName") or str(target.get("revisionName") or "").rpartition("-")[0]
    return next((one for one in Backend if configuration == words.configuration_name(function, one)), None)


def settings_of(route: Mapping[str, Any] | None) -> FunctionSettings | None:
    """Return what a deploy has written for the controller, None where nothing readable stands there."""
    annotations = ((route or {}).get("metadata") or {}).get("annotations") or {}
    try:
        return FunctionSettings.from_json(annotations[words.SETTINGS])
    except (KeyError, ValueError):
        return None


def variables_of(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return the function's variables of a Configuration's template: for each where it comes from, never its value.

    That is `secret/key`, or nothing where the value stands in the template. Gaia's own variables are not among them.
    """
    containers = configuration["spec"]["template"]["spec"].get("containers") or [{}]
    return {one["name"]: _secret(one) for one in containers[0].get("env") or () if not is_gaias(one["name"])}


def _secret(variable: Mapping[str, Any]) -> str:
    reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
    return f"{reference['name']}/{reference['key']}" if reference else ""


def image_of(configuration: Mapping[str, Any]) -> str:
    """Return the image of a Configuration's template."""
    containers = configuration["spec"]["template"]["spec"].get("containers") or [{}]
    return str(containers[0].get("image", ""))


def _route_problems(name: str, route: Object | None) -> list[str]:
    if route is None:
        return [f"there is no Route {name}: deploy it again, or delete what is left of it"]
    return _problem("route", route)


def _configuration_problems(configurations: Mapping[Backend, Object]) -> list[str]:
    return [problem for backend, one in configurations.items() for problem in _problem(backend.value, one)]


def _problem(part: str, object_: Object) -> list[str]:
    if readiness(object_) is Readiness.READY:
        return []
    said = condition(object_)
    code = said.code if said and said.status != "True" else "not yet ready"
    message = f": {said.message}" if said and said.message else ""
    return [f"{part}: {code or 'not yet ready'}{message}"]
