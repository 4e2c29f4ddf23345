# Copyright (c) 2026 The steadystate.ecs authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.steadystate.ecs.plugins.module_utils._image.errors import ConnectionBroken, ImageError
from ansible_collections.steadystate.ecs.plugins.module_utils._image.transport import Timeouts, Transport, is_loopback, proxy_for
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("aws.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("128.0.0.1", False),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("", False),
    ],
)
def test_knows_addresses_that_stay_here(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "url", "proxy"),
    [
        ({}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"https_proxy": "p:1"}, "https://a.example", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://a.example", None),
        ({"ALL_PROXY": "http://p:1"}, "https://a.example", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, "https://a.example:8443/v2/", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://a.example", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "b.example"}, "https://a.example", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:5000", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost:5000", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://[::1]:5000", None),
    ],
)
def test_proxies_come_from_the_environment(environment: pytest.MonkeyPatch, variables: dict[str, str], url: str, proxy: str | None) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert proxy_for(url) == proxy


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, dict[str, str]]]

    def do_HEAD(self) -> None:
        self.seen.append((self.command, self.path, dict(self.headers)))
        self.send_response(204)
        self.send_header("X-Two-Words", "Yes")
        self.end_headers()

    def do_CONNECT(self) -> None:
        self.seen.append((self.command, self.path, dict(self.headers)))
        self.send_error(403, "no tunnel")

    def log_message(self, *args: object) -> None:
        """Tests read `seen`."""


@pytest.fixture
def seen() -> list[tuple[str, str, dict[str, str]]]:
    return []


@pytest.fixture
def server(seen: list[tuple[str, str, dict[str, str]]]) -> Iterator[ThreadingHTTPServer]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), type("Seen", (Echo,), {"seen": seen}))
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_proxy_is_used_with_its_login(
    environment: pytest.MonkeyPatch, server: ThreadingHTTPServer, seen: list[tuple[str, str, dict[str, str]]]
) -> None:
    environment.setenv("HTTP_PROXY", f"http://me:p%40ss@127.0.0.1:{server.server_port}")
    transport = Transport(1)
    answer = transport.request("HEAD", "http://registry.invalid/v2/", {})
    transport.close()
    assert answer.status == 204
    assert answer.headers["x-two-words"] == "Yes"
    assert seen[0][1] == "http://registry.invalid/v2/"
    assert {name.lower(): value for name, value in seen[0][2].items()}["proxy-authorization"] == "Basic bWU6cEBzcw=="


def test_tls_goes_through_a_tunnel_of_the_proxy(
    environment: pytest.MonkeyPatch, server: ThreadingHTTPServer, seen: list[tuple[str, str, dict[str, str]]]
) -> None:
    environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_port}")
    with pytest.raises(ConnectionBroken, match="403"):
        Transport(1).request("HEAD", "https://registry.invalid/v2/", {})
    assert seen[0][:2] == ("CONNECT", "registry.invalid:443")


def test_an_address_of_this_machine_is_reached_without_the_proxy(
    environment: pytest.MonkeyPatch, server: ThreadingHTTPServer, seen: list[tuple[str, str, dict[str, str]]]
) -> None:
    environment.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert Transport(1).request("HEAD", f"http://127.0.0.1:{server.server_port}/x", {}).status == 204
    assert seen[0][1] == "/x"


@pytest.fixture
def authority(tmp_path: Path, server: ThreadingHTTPServer) -> Path:
    """Puts TLS before the server; the file of the certificate that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return public


def test_certificates_are_checked(server: ThreadingHTTPServer, authority: Path) -> None:
    url = f"https://127.0.0.1:{server.server_port}/"
    with pytest.raises(ImageError, match=r"TLS with 127\.0\.0\.1:.* failed: .*pass aws_ca_bundle"):
        Transport(1).request("HEAD", url, {})
    assert Transport(1, verify=str(authority)).request("HEAD", url, {}).status == 204
    with pytest.warns(match="Unverified HTTPS request"):
        assert Transport(1, verify=False).request("HEAD", url, {}).status == 204


def test_a_certificate_file_that_is_none_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for path in ("ca.pem", "missing.pem"):
        with pytest.raises(ImageError, match=r"cannot be read: .* Check aws_ca_bundle"):
            Transport(1, verify=str(tmp_path / path)).request("HEAD", "https://127.0.0.1:1/", {})


def test_a_closed_port_is_a_broken_connection_and_no_query_is_shown() -> None:
    with pytest.raises(ConnectionBroken) as caught:
        Transport(1, timeouts=Timeouts(connect=2)).request("HEAD", "http://127.0.0.1:1/v2/?_state=secret", {})
    assert str(caught.value).startswith("HEAD http://127.0.0.1:1/v2/: ")
    assert "refused" in str(caught.value)


def test_nothing_is_requested_after_abort(server: ThreadingHTTPServer) -> None:
    transport = Transport(1)
    url = f"http://127.0.0.1:{server.server_port}/"
    transport.request("HEAD", url, {})
    transport.abort()
    with pytest.raises(ConnectionBroken, match="being stopped"):
        transport.request("HEAD", url, {})
