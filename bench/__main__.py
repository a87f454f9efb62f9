"""`python -m bench [all|NAME]`: runs the named bench and prints its figures. What takes an hour is not in `all`."""

from __future__ import annotations

import sys

from bench.figure import Bench
from bench.fleet import fleet
from bench.plan import plan
from bench.planner import planner
from bench.start import start
from bench.stream.figures import hour, stream
from bench.vehicles import vehicles

BENCHES: dict[str, Bench] = {
    "plan": plan,
    "planner": planner,
    "fleet": fleet,
    "vehicles": vehicles,
    "start": start,
    "stream": stream,
}
LONG: dict[str, Bench] = {"hour": hour}


def main(name: str) -> int:
    by_name = BENCHES | LONG
    if name not in ("all", *by_name):
        print(f"bench: there is no {name!r}; there are: all, {', '.join(by_name)}", file=sys.stderr)
        return 2
    met = True
    for wanted in BENCHES if name == "all" else (name,):
        for figure in by_name[wanted]():
            print(figure.line(), flush=True)
            met = met and figure.met is not False
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))
