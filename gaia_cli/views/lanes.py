"""The two lanes, CPU and GPU: boxes side by side where they fit, two or three plain lines each elsewhere."""

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gaia_cli.running.history import RunHistory
from gaia_cli.views.glyphs import DIM, LANE_STYLE, STRONG, Glyphs, shorten, sparkline, spread
from gaia_cli.views.units import latency, rate, share
from runtime_images.policy.model import Backend

BOX_HEIGHT = 7
_GAP = 3


def boxed_lanes(history: RunHistory, width: int, gpu_label: str, glyphs: Glyphs) -> Table:
    """Draw both lanes side by side, BOX_HEIGHT lines that are `width` wide."""
    left = (width - 1) // 2
    lanes = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    cpu, gpu = _Lane(history, Backend.CPU, "CPU", glyphs), _Lane(history, Backend.GPU, gpu_label, glyphs)
    lanes.add_row(cpu.box(left), gpu.box(width - 1 - left))
    return lanes


def plain_lanes(history: RunHistory, width: int, gpu_label: str, glyphs: Glyphs, *, sparks: bool) -> list[Text]:
    """Draw one lane under the other, two lines each, three with `sparks`."""
    cpu, gpu = _Lane(history, Backend.CPU, "CPU", glyphs), _Lane(history, Backend.GPU, gpu_label, glyphs)
    return [line for lane in (cpu, gpu) for line in lane.lines(width)[: 3 if sparks else 2]]


class _Lane:
    """One backend of a run; an active one that is ready serves, another one stands by."""

    def __init__(self, history: RunHistory, backend: Backend, title: str, glyphs: Glyphs) -> None:
        self.history, self.backend, self.title, self.glyphs = history, backend, title, glyphs
        self.style = LANE_STYLE[backend]
        self.status = history.lanes[backend]
        self.active = history.active is backend
        self.state: str = self.status.state
        if self.state == "ready":
            self.state = "serving" if self.active else "standing by"
        percentiles = {"p50": self.status.p50_ms, "p95": self.status.p95_ms, "p99": self.status.p99_ms}
        self.latencies = [(name, latency(value, glyphs.none)) for name, value in percentiles.items()]

    def lines(self, width: int) -> list[Text]:
        head = Text.assemble((self.title, f"{STRONG} {self.style}"), " ", self.state)
        latencies = Text()
        for name, value in self.latencies:
            latencies.append(f"{name} ", DIM).append(f"{value}  ")
        return [spread(head, Text(rate(self.status.rate)), width), latencies, self._spark(width)]

    def box(self, width: int) -> Panel:
        border = self.style if self.active else DIM
        fill = self.glyphs.box.top * (width - len(self.title) - len(self.state) - 8)
        state = (self.state, self.style if self.state == "serving" else DIM)
        head = Text.assemble((self.title, f"{STRONG} {self.style}"), (f" {fill} ", border), state)
        queue = str(self.history.queue) if self.active else self.glyphs.none
        counts = [("rate", rate(self.status.rate)), ("queue", queue), ("in flight", str(self.status.in_flight))]
        pairs = [*zip(counts, self.latencies, strict=True), self._resources()]
        rows = [*(self._fields(*pair, width - 4) for pair in pairs), self._spark(width - 4)]
        for row in rows:
            shorten(row, width - 4, self.glyphs)
        return Panel(Group(*rows), self.glyphs.box, title=head, title_align="left", border_style=border, width=width)

    def _fields(self, left: tuple[str, str], right: tuple[str, str], width: int) -> Text:
        """Draw two name-value fields in columns of equal width; a lane that is off is drawn dim."""
        column = (width - _GAP) // 2
        text = Text()
        for (name, value), size in ((left, column), (right, width - _GAP - column)):
            text.append(name, DIM).append(" " * max(1, size - len(name) - len(value)))
            text.append(value, DIM if self.state == "off" else "").append(" " * _GAP)
        text.right_crop(_GAP)
        return text

    def _resources(self) -> tuple[tuple[str, str], tuple[str, str]]:
        gpu, none = self.history.gpu, self.glyphs.none
        if gpu is None or self.backend is Backend.CPU:
            return ("cpu share", share(self.status.cpu_share, none)), ("errors", str(self.status.errors))
        used = "" if gpu.memory_used_mb is None else f"{gpu.memory_used_mb / 1024:.1f}"
        total = "" if gpu.memory_total_mb is None else f"/{gpu.memory_total_mb / 1024:.0f} GB"
        return ("gpu use", share(gpu.utilization, none)), ("mem", f"{used}{total}" or none)

    def _spark(self, width: int) -> Text:
        recent = list(self.history.seconds)[-width:]
        return Text(sparkline([second.p95_ms[self.backend] for second in recent], self.glyphs), self.style)
