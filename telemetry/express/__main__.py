"""`python -m telemetry.express`: compiles the express way (1), or reads from disk what was compiled before (0)."""

from __future__ import annotations

import os
import sys
from typing import Any

from telemetry.express.kernel import take
from telemetry.express.loading import rehearsed


def main() -> int:
    """Beside a service that flies vehicles, so with what it leaves of the machine."""
    os.nice(10)
    made: Any = rehearsed(take)
    return 0 if made.stats.cache_hits else 1


if __name__ == "__main__":
    sys.exit(main())
