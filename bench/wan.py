"""A long line in small: `python -m bench.wan RTT TO FROM…` forwards each port FROM to port TO.

Every byte takes half the round trip, and a new connection one whole round trip more, as TCP does.
The kernel here has no netem.
"""

from __future__ import annotations

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Bytes in their order, each `seconds` late; then the end."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await line.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                writer.close()
                return
            writer.write(data)

    delivering = asyncio.create_task(deliver())
    try:
        while data := await reader.read(65536):
            line.put_nowait((loop.time() + seconds, data))
    except ConnectionError:
        pass
    line.put_nowait((loop.time() + seconds, b""))
    await delivering


async def main(rtt: float, to: int, ports: list[int]) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(rtt)
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(
            carry(reader, back, rtt / 2), carry(there, writer, rtt / 2), return_exceptions=True
        )

    for port in ports:
        await asyncio.start_server(accept, "127.0.0.1", port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2]), [int(port) for port in sys.argv[3:]]))
