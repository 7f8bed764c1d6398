"""The application behind a real server, for what an in-process client can't show: streams, and clients that bring their own transport."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from app.core.embedded import free_port


@pytest.fixture
async def served(app: Any) -> AsyncIterator[str]:
    """The address of the application on a port of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running
