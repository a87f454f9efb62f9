"""What more vehicles and more viewers cost: CPU against each, its growth, and the plot in `docs/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np

from bench import swarm
from bench.figure import Figure
from bench.stream.rigs import Load, measured

_PLOT = Path(__file__).parents[2] / "docs" / "stream-growth.svg"
_VEHICLES = (100, 200, 500, 1_000)
_VIEWERS = (10, 30, 100, 300, 1_000)
_ON_TIME_S = 0.5
_BY_VEHICLES, _BY_VIEWERS = 20, 100  # viewers while vehicles grow, vehicles while viewers grow

Series = list[tuple[int, float]]


def growth(plot: Path = _PLOT) -> Iterator[Figure]:
    """Cores used, and the exponent of its growth over the range: 1 is linear."""
    vehicles = [(each, _cores(Load(each, _BY_VEHICLES, settle_s=10.0 + each / 40.0))) for each in _VEHICLES]
    viewers = [(each, _cores(Load(_BY_VIEWERS, each, settle_s=12.0 + each / 100.0))) for each in _VIEWERS]
    for name, series in (("vehicles", vehicles), ("viewers", viewers)):
        for count, cores in series:
            yield Figure(f"stream.growth.{name}.{count}", cores, "of a core")
        yield Figure(f"stream.growth.{name}.exponent", _exponent(series), "", 1.0)
    _plot(plot, vehicles, viewers)


def _cores(load: Load) -> float:
    found = measured("bailu", load)
    # Who falls behind costs less: that is no figure of growth.
    assert found.keeps_up(load, _ON_TIME_S), f"{load} is more than this machine bears"
    return found.cores


def _exponent(series: Series) -> float:
    counts, cores = np.log(np.array(series, float)).T
    return float(np.polyfit(counts, cores, 1)[0])


def _plot(path: Path, vehicles: Series, viewers: Series) -> None:
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bailu"  # the same figures make the same file
    from matplotlib import pyplot  # noqa: PLC0415 - after the backend is chosen

    figure, sides = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    shown = (
        (vehicles, f"vehicles, {swarm.MESSAGES_PER_S:.1f} messages/s each ({_BY_VEHICLES} viewers)"),
        (viewers, f"viewers at 10 Hz ({_BY_VIEWERS} vehicles)"),
    )
    for axes, (series, label) in zip(sides, shown, strict=True):
        counts, cores = zip(*series, strict=True)
        axes.loglog(counts, cores, "o-", color="#0b7285", label="measured")
        axes.loglog(counts, [cores[0] * each / counts[0] for each in counts], "--", color="#adb5bd", label="linear")
        axes.set_xlabel(label)
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend(frameon=False)
    sides[0].set_ylabel("cores used by the service")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
