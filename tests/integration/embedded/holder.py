"""Uses the servers of a home folder until its standard input ends: `python holder.py HOME`.

Prints one line of JSON: their addresses, or the error's sentence.
"""

import asyncio
import sys
from pathlib import Path

import msgspec

from freight_embedded import EmbeddedError, Servers, hold


def say(answer: Servers | dict[str, str]) -> None:
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    sys.stdout.flush()


async def main(home: Path) -> None:
    try:
        async with hold(home) as servers:
            say(servers)
            await asyncio.to_thread(sys.stdin.read)
    except EmbeddedError as error:
        say({"error": str(error)})


asyncio.run(main(Path(sys.argv[1])))
