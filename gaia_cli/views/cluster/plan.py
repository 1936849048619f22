"""How a deploy looks: the plan as a table before anybody says yes, and at the end where the function answers."""

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analyzers.lean.printable import printable
from gaia_cli.errors import shell_word
from gaia_cli.targets.protocol import BackendOutcome, Deployment, Effect, Outcome, Plan, Progress
from gaia_cli.views import console
from runtime_images.policy.model import Accelerator, Backend

_SIGNS = {Effect.CREATE: "+", Effect.CHANGE: "~", Effect.KEEP: "=", Effect.REMOVE: "-", Effect.RETRY: "+"}
_STYLES = {
    Effect.CREATE: "green",
    Effect.CHANGE: "yellow",
    Effect.KEEP: "dim",
    Effect.REMOVE: "red",
    Effect.RETRY: "green",
}


def show_plan(plan: Plan) -> None:
    """Write what a deploy would do to standard output."""
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(plan):
        table.add_row(name, Text(printable(value)))
    for change in plan.changes:
        sign = Text(f"{_SIGNS[change.effect]} {change.effect}", _STYLES[change.effect])
        details = "".join(f"\n  {printable(detail)}" for detail in change.details)
        table.add_row(sign, Text(f"{printable(change.what)}{details}"))
    for note in plan.notes:
        table.add_row("note", Text(printable(note)))
    console.rich_console().print(table)
    if plan.is_empty:
        console.line("nothing to change")


def show_outcome(plan: Plan, outcome: Outcome | None) -> None:
    """Write how it ended, and how to see more."""
    name = plan.deployment.project.name
    see = f"gaia describe {name} -n {plan.place.namespace} --context {shell_word(plan.place.context)}"
    if outcome is None:
        console.line(f"{name} is applied, and not yet ready")
        console.line(f"  see  {see}")
        return
    console.line(f"{name} serves at {outcome.url}")
    for report in outcome.backends:
        console.line(f"  {report.backend}  {_state(report, outcome, plan.deployment)}")
    for note in outcome.notes:
        console.line(f"  note  {note}")
    console.line(f"  see  {see}")


def _rows(plan: Plan) -> list[tuple[str, str]]:
    deployment, place = plan.deployment, plan.place
    return [
        ("function", f"{deployment.project.name}, mode {deployment.mode}"),
        ("target", f"{deployment.target.name}{_emulated(deployment)}"),
        ("cluster", f"context {place.context}, server {place.server}"),
        ("namespace", f"{place.namespace}, as {place.user}"),
        ("image", deployment.image),
        *((backend.value, _backend(deployment, backend)) for backend in deployment.backends),
        *_variables(deployment),
    ]


def _backend(deployment: Deployment, backend: Backend) -> str:
    target, prices = deployment.target, deployment.settings.prices
    price = prices.cpu_per_hour if backend is Backend.CPU else prices.gpu_per_hour
    parts = [f"{price:g} {prices.currency} an hour and pod", _pods(deployment, backend)]
    if backend is Backend.GPU and deployment.uses_gpus:
        parts.append(f"asks for {target.gpus} {target.gpu_resource} a pod")
    return ", ".join(parts)


def _pods(deployment: Deployment, backend: Backend) -> str:
    target = deployment.target
    least = target.min_scale if backend is deployment.mode.initial_backend else 0
    return f"{least} to {target.max_scale} pods" if target.max_scale else f"{least} or more pods"


def _emulated(deployment: Deployment) -> str:
    return ", with an emulated GPU" if deployment.target.accelerator is Accelerator.EMULATED else ""


def _variables(deployment: Deployment) -> list[tuple[str, str]]:
    """Name the variables, and where two say the same the one that goes before; values may be nobody's business."""
    function, target = deployment.project.env, deployment.target
    over = sorted({*target.env, *target.secrets} & {*function})
    names = sorted({*function, *target.env, *target.secrets})
    rows = [("env", ", ".join(names))] if names else []
    return rows + [("", f"{name}: the value of target {target.name} goes before the function's") for name in over]


def _state(report: BackendOutcome, outcome: Outcome, deployment: Deployment) -> str:
    label = _emulated(deployment) if report.backend is Backend.GPU else ""
    if report.progress is Progress.READY:
        share = outcome.shares.get(report.backend)
        return f"{'not in the traffic' if share is None else f'{share} %'}, revision {report.version}{label}"
    others = _others(outcome.backends, report)
    return f"{report.progress}: revision {report.version} waits ({report.message}); {others} serves meanwhile"


def _others(reports: Sequence[BackendOutcome], but: BackendOutcome) -> str:
    if but.serving:
        return but.serving
    return next((one.serving for one in reports if one.serving), "nothing")
