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


def listener_context(account: str, region: str, certificate_arns: tuple[str, ...], address: str) -> ssl.SSLContext:
    """TLS for an HTTPS listener. The first certificate is the default one; who asks for a name of another gets that (SNI)."""
    default, *others = certificate_arns or ("",)
    context = _context(account, region, default, address)
    by_name = {name.lower(): _context(account, region, arn, address) for arn in others for name in _names(account, region, arn)}

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _default: ssl.SSLContext) -> None:
        asked = (name or "").lower()
        chosen = by_name.get(asked) or by_name.get("*." + asked.partition(".")[2])
        if chosen is not None:
            connection.context = chosen

    context.sni_callback = choose
    return context


def _context(account: str, region: str, certificate_arn: str, address: str) -> ssl.SSLContext:
    """With the certificate imported into ACM where it came with its key, else one made for the occasion, for the same names."""
    certificate, key = _imported(account, region, certificate_arn) or _self_signed(address, _names(account, region, certificate_arn))
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


def _bundle(account: str, region: str, arn: str) -> Any:
    """moto's certificate in ACM, None for one of IAM's."""
    return get_backend("acm")[account][region]._certificates.get(arn) if ":acm:" in arn else None  # noqa: SLF001 - moto has no other way


def _names(account: str, region: str, arn: str) -> list[str]:
    bundle = _bundle(account, region, arn)
    return list(bundle.describe()["Certificate"]["SubjectAlternativeNames"]) if bundle is not None else []


def _imported(account: str, region: str, arn: str) -> tuple[bytes, bytes] | None:
    bundle = _bundle(account, region, arn)
    if bundle is None or bundle.type != "IMPORTED":
        return None
    return bundle.cert + b"\n" + (bundle.chain or b""), bundle.key


def _self_signed(address: str, others: list[str]) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([*map(x509.DNSName, ["localhost", *others]), x509.IPAddress(ipaddress.ip_address(address))])
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
