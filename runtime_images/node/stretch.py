"""How a node is from one moment on: what everybody who reads or uses such a table means by a row of it."""

from dataclasses import dataclass

from runtime_images.policy.model import Backend


@dataclass(frozen=True, slots=True)
class Stretch:
    """How the node is from `from_s` on, until the next stretch: known in advance, as of an orbit or a tariff.

    `power_w` is what it can give to a backend, None as much as any needs; `cpu_w` and `gpu_w` are what the backends
    draw while they are held. A price that is None is the scenario's; `joule_price` is what their energy costs on top.
    """

    from_s: float
    gpu: bool = True
    power_w: float | None = None
    cpu_w: float = 0.0
    gpu_w: float = 0.0
    cpu_price: float | None = None
    gpu_price: float | None = None
    joule_price: float = 0.0

    @property
    def lacks_power(self) -> bool:
        """Whether the GPU would draw more than there is."""
        return self.power_w is not None and self.gpu_w > self.power_w

    def price(self, backend: Backend) -> float | None:
        """Return the price of a second of a backend without its energy, if this node has one of its own."""
        return self.cpu_price if backend is Backend.CPU else self.gpu_price

    def per_second(self, backend: Backend, otherwise: float) -> float:
        """Return what a second of a backend costs with its energy; `otherwise` where the node has no price."""
        price = self.price(backend)
        return (otherwise if price is None else price) + self.watts(backend) * self.joule_price

    def watts(self, backend: Backend) -> float:
        """Return the watts that a backend draws."""
        return self.cpu_w if backend is Backend.CPU else self.gpu_w


AS_EVER = Stretch(0.0)
"""A node of which nothing is said: it always has a GPU and power, and costs what the settings say."""
