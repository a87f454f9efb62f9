"""A platform's forwarding as a process that a test kills: stores alarms and says which, as fast as it can."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.forwarding.stage import rule, stage


async def main(folder: Path, url: str, first: int) -> None:
    async with stage(folder) as on:
        if not await on.store.forwarding.rules():
            await on.save(rule(url))
        number = first
        while True:
            await on.alarms(number)
            print(number, flush=True)
            number += 1
            if number % 10 == 0:
                await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
