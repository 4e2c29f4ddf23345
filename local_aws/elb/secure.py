"""TLS on both sides of the load balancer."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.backends import get_backend

CERTIFICATE_DAYS = 30


def to_target(connection: socket.socket) -> ssl.SSLSocket:
    """Encrypt towards a target. Like an ALB, this does not check the target's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection)


def listener_context(account: str, region: str, certificate_arn: str | None, address: str) -> ssl.SSLContext:
    """TLS for an HTTPS listener: the certificate imported into ACM where it came with its key, else one made for the occasion."""
    certificate, key = _imported(account, region, certificate_arn) or _self_signed(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory() as directory:
        # load_cert_chain reads files only.
        chain, private = Path(directory, "chain.pem"), Path(directory, "key.pem")
        chain.write_bytes(certificate)
        private.touch(mode=0o600)
        private.write_bytes(key)
        context.load_cert_chain(chain, private)
    return context


def _imported(account: str, region: str, arn: str | None) -> tuple[bytes, bytes] | None:
    if arn is None or ":acm:" not in arn:
        return None
    bundle: Any = get_backend("acm")[account][region]._certificates.get(arn)  # noqa: SLF001 - moto has no other way to the key
    if bundle is None or bundle.type != "IMPORTED":
        return None
    return bundle.cert + b"\n" + (bundle.chain or b""), bundle.key


def _self_signed(address: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM), private
