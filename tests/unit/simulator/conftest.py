"""The world as a real process with real sockets: its faults can't be seen through an in-memory transport."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.unit.simulator.world import World


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    data: Path = tmp_path_factory.mktemp("world")
    command = [sys.executable, "-m", "simulator", "--port", "0", "--smtp-port", "0", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield {**json.loads(process.stdout.readline()), "data": str(data)}
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


@pytest.fixture
def world(addresses: dict[str, str]) -> Iterator[World]:
    with httpx.Client(base_url=addresses["http"], timeout=10) as client:
        yield World(client)
        client.delete("/control/faults")
