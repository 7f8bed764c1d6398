import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.core.addresses import is_allowed
from app.core.egress import Egress, EgressRefused, EgressReset, EgressTimeout, EgressTooLarge

pytestmark = pytest.mark.feature("M46", "M143")
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handle: Handle, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        finally:
            writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls) as started:
        yield f"127.0.0.1:{started.sockets[0].getsockname()[1]}"
        started.close()


def answering(head: bytes, body: bytes = b"") -> Handle:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    return handle


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    made = Egress(allow_loopback=True)
    yield made
    await made.aclose()


class TestIsAllowed:
    @pytest.mark.parametrize(
        "address",
        [
            "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "169.254.169.254", "172.31.255.255", "192.0.0.192", "192.168.1.1",
            "198.18.0.1", "168.63.129.16", "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
            "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "ff02::1", "nonsense",
        ],
    )  # fmt: skip
    def test_refuses_every_private_reserved_and_disguised_address(self, address: str):
        assert not is_allowed(address)

    @pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::8a"])
    def test_takes_the_public_internet(self, address: str):
        assert is_allowed(address)


class TestRefusal:
    @pytest.mark.parametrize(
        "url",
        [
            "http://localhost/", "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data", "http://0/", "https://10.0.0.1/", "https://8.8.8.8:22/", "ftp://8.8.8.8/", "file:///etc/passwd",
            "http://user:secret@8.8.8.8/", "http:///path", "nonsense", "http://exämple.com/",
        ],
    )  # fmt: skip
    async def test_stops_before_anything_is_sent(self, url: str):
        egress = Egress()
        with pytest.raises(EgressRefused):
            await egress.request("GET", url)
        await egress.aclose()

    async def test_holds_for_plain_sockets_too(self):
        with pytest.raises(EgressRefused):
            await Egress().open_connection("localhost", 25, ports=(25,))
        with pytest.raises(EgressRefused, match="Port 25"):
            await Egress().open_connection("8.8.8.8", 25)

    async def test_a_host_that_does_not_exist_is_named(self, egress: Egress):
        with pytest.raises(EgressReset, match="There is no host") as broken:
            await egress.request("GET", "http://nowhere.invalid/")
        assert broken.value.after_write is False

    async def test_one_bad_answer_of_a_name_refuses_all(self, monkeypatch: pytest.MonkeyPatch):
        async def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
            return [(2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
        with pytest.raises(EgressRefused, match="private or reserved"):
            await Egress().request("GET", "https://rebinding.example/")

    async def test_a_proxy_in_the_environment_is_not_used(self, egress: Egress, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        async with server(answering(b"HTTP/1.1 204 No Content")) as host:
            assert (await egress.request("GET", f"http://{host}/")).status == 204


class TestRequest:
    async def test_sends_and_reads_one_exchange(self, egress: Egress):
        seen = asyncio.get_running_loop().create_future()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.set_result(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(7))
            writer.write(b"HTTP/1.1 201 Created\r\nX-Mine: yes\r\ncontent-length: 2\r\n\r\nok")

        async with server(handle) as host:
            answer = await egress.request("POST", f"http://{host}/a?b=1", headers={"X-Key": "k"}, content=b'{"a":1}')
        assert (answer.status, answer.headers["x-mine"], answer.body) == (201, "yes", b"ok")
        sent = (await seen).decode().lower()
        assert sent.startswith("post /a?b=1 http/1.1") and f"host: {host}" in sent and "x-key: k" in sent and sent.endswith('{"a":1}')

    async def test_does_not_follow_redirects(self, egress: Egress):
        async with server(answering(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/")) as host:
            assert (await egress.request("GET", f"http://{host}/")).status == 302

    async def test_stops_reading_at_one_mebibyte(self, egress: Egress):
        async with server(answering(b"HTTP/1.1 200 OK", b"x" * (1 << 20))) as host:
            assert len((await egress.request("GET", f"http://{host}/")).body) == 1 << 20
        async with server(answering(b"HTTP/1.1 200 OK", b"x" * ((1 << 20) + 1))) as host:
            with pytest.raises(EgressTooLarge):
                await egress.request("GET", f"http://{host}/")

    async def test_a_header_can_not_smuggle_another(self, egress: Egress):
        async with server(answering(b"HTTP/1.1 200 OK")) as host:
            with pytest.raises(EgressRefused, match="can't be sent"):
                await egress.request("GET", f"http://{host}/", headers={"X-Key": "a\r\nX-Other: b"})

    async def test_verifies_the_certificate(self, egress: Egress, tmp_path: Path):
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "1"]
        subprocess.run([*made, "-keyout", tmp_path / "key", "-out", tmp_path / "cert"], check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(tmp_path / "cert", tmp_path / "key")
        async with server(answering(b"HTTP/1.1 200 OK"), tls) as host:
            with pytest.raises(EgressReset) as broken:
                await egress.request("GET", f"https://{host}/")
        assert broken.value.after_write is False


class TestBrokenExchange:
    async def test_a_refused_connection_was_before_the_request(self, egress: Egress):
        with pytest.raises(EgressReset) as broken:
            await egress.request("POST", "http://127.0.0.1:1/")
        assert broken.value.after_write is False

    async def test_a_reset_after_the_request_says_so(self, egress: Egress):
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")

        async with server(handle) as host:
            with pytest.raises(EgressReset) as broken:
                await egress.request("POST", f"http://{host}/", content=b"{}")
        assert broken.value.after_write is True

    async def test_silence_and_drip_end_at_the_time_out(self, egress: Egress):
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            for _ in range(1000):
                writer.write(b".")
                await asyncio.sleep(0.05)

        for handle in (silent, drip):
            async with server(handle) as host:
                started = asyncio.get_running_loop().time()
                with pytest.raises(EgressTimeout) as broken:
                    await egress.request("POST", f"http://{host}/", timeout=0.2)
                assert broken.value.after_write is True
                assert asyncio.get_running_loop().time() - started < 2
