"""`python -m simulator`: the world in one process; prints one line of JSON with its addresses when it is ready."""

import argparse
import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP

from simulator.credentials import Credentials
from simulator.faults import Faults
from simulator.mail import Mailbox
from simulator.seed import customers, populate
from simulator.server import Simulator
from simulator.sockets import OpenSocketProtocol
from simulator.store import Store


def arguments() -> argparse.Namespace:
    """What the command line says; port 0 takes a free one."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9400)
    parser.add_argument("--smtp-port", type=int, default=9425)
    parser.add_argument("--data", type=Path, required=True, help="folder of the ledger; kept between runs")
    return parser.parse_args()


async def serve(host: str, port: int, smtp_port: int, data: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    store, faults = Store(data / "world.sqlite"), Faults()
    populate(store)
    mailbox = Mailbox(store, faults)
    app = Simulator(store, faults, Credentials(customers), mailbox)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(mailbox, hostname="mail.example"), host, smtp_port)
    sock = socket.create_server((host, port))
    server = uvicorn.Server(uvicorn.Config(app, http=OpenSocketProtocol, lifespan="off", log_level="warning", timeout_graceful_shutdown=1))
    addresses = {"http": f"http://{host}:{sock.getsockname()[1]}", "smtp": f"{host}:{smtp.sockets[0].getsockname()[1]}"}
    print(json.dumps(addresses), flush=True)
    try:
        await server.serve(sockets=[sock])
    finally:
        smtp.close()
        store.close()


def main() -> None:
    """Run until told to stop."""
    # A background job inherits SIGINT ignored; and uvicorn raises its signal again once it has stopped, which is an orderly end here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    given = arguments()
    given.data.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(given.host, given.port, given.smtp_port, given.data))


if __name__ == "__main__":
    main()
