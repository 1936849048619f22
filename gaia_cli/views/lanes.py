"""The two lanes, CPU and GPU: boxes side by side where there is room, three plain lines each elsewhere."""

from rich.text import Text

from gaia_cli.running.history import RunHistory
from gaia_cli.views.glyphs import DIM, LANE_STYLE, STRONG, Glyphs, sparkline
from gaia_cli.views.units import latency, rate, share
from runtime_images.events.traffic import BackendStatus
from runtime_images.policy.model import Backend

BOX_HEIGHT = 7


def boxed_lanes(history: RunHistory, width: int, gpu_label: str, glyphs: Glyphs) -> list[Text]:
    """Both lanes side by side, BOX_HEIGHT lines that are `width` wide."""
    left = (width - 1) // 2
    boxes = [
        _box(history, backend, _title(backend, gpu_label), size, glyphs)
        for backend, size in ((Backend.CPU, left), (Backend.GPU, width - 1 - left))
    ]
    return [Text.assemble(cpu, " ", gpu) for cpu, gpu in zip(*boxes, strict=True)]


def plain_lanes(history: RunHistory, width: int, gpu_label: str, glyphs: Glyphs, *, sparks: bool) -> list[Text]:
    """One lane under the other, two lines each, three with `sparks`."""
    lines: list[Text] = []
    for backend in Backend:
        lane, none = history.lanes[backend], glyphs.none
        head = Text.assemble(
            (_title(backend, gpu_label), f"{STRONG} {LANE_STYLE[backend]}"), " ", lane_state(history, backend)
        )
        lines.append(_spread(head, Text(rate(lane.rate)), width))
        lines.append(_latencies(lane, none))
        if sparks:
            lines.append(Text(_spark(history, backend, width, glyphs), LANE_STYLE[backend]))
    return lines


def _latencies(lane: BackendStatus, none: str) -> Text:
    text = Text()
    for name, value in (("p50", lane.p50_ms), ("p95", lane.p95_ms), ("p99", lane.p99_ms)):
        text.append(f"{name} ", DIM).append(f"{latency(value, none)}  ")
    return text


def lane_state(history: RunHistory, backend: Backend) -> str:
    """A lane's state in a word: a ready lane serves or stands by."""
    state = history.lanes[backend].state
    if state == "ready":
        return "serving" if history.active is backend else "standing by"
    return state


def _title(backend: Backend, gpu_label: str) -> str:
    return gpu_label if backend is Backend.GPU else "CPU"


def _box(history: RunHistory, backend: Backend, title: str, width: int, glyphs: Glyphs) -> list[Text]:
    style = LANE_STYLE[backend]
    border = style if history.active is backend else DIM
    upper_left, upper_right, lower_right, lower_left = tuple(glyphs.corners)
    state = lane_state(history, backend)
    fill = glyphs.horizontal * (width - len(title) - len(state) - 8)
    top = Text.assemble(
        (f"{upper_left}{glyphs.horizontal} ", border), (title, f"{STRONG} {style}"), (f" {fill} ", border),
        (state, style if state == "serving" else DIM), (f" {glyphs.horizontal}{upper_right}", border),
    )  # fmt: skip
    inside = _inside(history, backend, width - 4, glyphs)
    lines = [_framed(line, width, border, glyphs) for line in inside]
    bottom = Text(f"{lower_left}{glyphs.horizontal * (width - 2)}{lower_right}", border)
    return [top, *lines, bottom]


def _framed(line: Text, width: int, border: str, glyphs: Glyphs) -> Text:
    line.truncate(width - 4, overflow="ellipsis", pad=True)
    return Text.assemble((f"{glyphs.vertical} ", border), line, (f" {glyphs.vertical}", border))


def _inside(history: RunHistory, backend: Backend, width: int, glyphs: Glyphs) -> list[Text]:
    lane, none = history.lanes[backend], glyphs.none
    queue = str(history.queue) if history.active is backend else none
    fields = (
        (("rate", rate(lane.rate)), ("p50", latency(lane.p50_ms, none))),
        (("queue", queue), ("p95", latency(lane.p95_ms, none))),
        (("in flight", str(lane.in_flight)), ("p99", latency(lane.p99_ms, none))),
    )
    rows = [_fields(pair, width, lane) for pair in fields]
    spark = Text(_spark(history, backend, width, glyphs), LANE_STYLE[backend])
    return [*rows, _resources(history, backend, width, none), spark]


def _fields(pair: tuple[tuple[str, str], tuple[str, str]], width: int, lane: BackendStatus) -> Text:
    """Two name-value fields in columns of equal width; a lane that is off is drawn dim."""
    gap = 3
    column = (width - gap) // 2
    value_style = DIM if lane.state == "off" else ""
    text = Text()
    for (name, value), size in zip(pair, (column, width - gap - column), strict=True):
        text.append(name, DIM).append(" " * max(1, size - len(name) - len(value))).append(value, value_style)
        text.append(" " * gap)
    text.right_crop(gap)
    return text


def _resources(history: RunHistory, backend: Backend, width: int, none: str) -> Text:
    lane, gpu = history.lanes[backend], history.gpu
    if backend is Backend.CPU or gpu is None:
        return _fields((("cpu share", share(lane.cpu_share, none)), ("errors", str(lane.errors))), width, lane)
    used = "" if gpu.memory_used_mb is None else f"{gpu.memory_used_mb / 1024:.1f}"
    total = "" if gpu.memory_total_mb is None else f"/{gpu.memory_total_mb / 1024:.0f} GB"
    return _fields((("gpu use", share(gpu.utilization, none)), ("mem", f"{used}{total}" or none)), width, lane)


def _spark(history: RunHistory, backend: Backend, width: int, glyphs: Glyphs) -> str:
    recent = list(history.seconds)[-width:]
    return sparkline([second.p95_ms[backend] for second in recent], glyphs)


def _spread(left: Text, right: Text, width: int) -> Text:
    return Text.assemble(left, " " * max(1, width - left.cell_len - right.cell_len), right)
