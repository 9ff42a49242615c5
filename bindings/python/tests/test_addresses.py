"""Addresses and names of servers as people write them."""

from __future__ import annotations

import pytest

import otls
from conftest import Background, World


def test_an_address_or_name_that_cannot_be_meant_is_an_error_that_says_so(world: World) -> None:
    config = otls.ClientConfig(world.trust, no_identity=True)
    cases = [
        ((" localhost", 1), 'leave out the blanks around it: "localhost"'),
        (("localhost\n", 1), 'leave out the blanks around it: "localhost"'),
        (("asha@bank.example", 1), 'the host alone: "bank.example"'),
        (("b\u00fccher.example", 1), "server_name="),
        (("[::1]", 1), "without brackets"),
        (("bank.example:443", 443), '("bank.example", 443)'),
        (("https://bank.example", 443), "host alone"),
        (("http://bank.example/", 80), "host alone"),
        (("[::1]:443", 443), '"::1"'),
        (("\ud800", 1), "DNS name"),
        (("a" * 64 + ".example", 1), "DNS name"),
        (("bank.example", 70000), "65535"),
        (("bank.example", -1), "65535"),
        (("bank.example", "443"), "65535"),
        ("bank.example:443", "a host and a port"),
    ]
    for address, hint in cases:
        with pytest.raises(otls.Error) as caught:
            otls.connect(address, config, timeout=1)  # type: ignore[arg-type]
        assert hint in caught.value.hint, (address, str(caught.value), caught.value.hint)
    with pytest.raises(otls.BadName) as caught:
        otls.connect(("[::1]", 1), config, server_name="bank.example")
    assert "without brackets" in caught.value.hint
    subject = otls.DistinguishedName(common_name="asha")
    request = otls.CertificateRequest.create(otls.PrivateKey.generate("ecdsa"), subject)
    for address in (("\ud800", 1), ("bank.example", 70000)):
        with pytest.raises(otls.Error):
            otls.enroll(address, config, "client", request)
        with pytest.raises(otls.Error):
            otls.fetch_authorities(address, config)
    for name, reason in {
        "[::1]": 'brackets and port: "::1"',
        "bank.example:443": 'a port is no part of a name: write "bank.example"',
        "fe80::1%eth0": 'a zone is of one machine, and in no certificate: write "fe80::1"',
        "http://bank.example/": 'write its host, "bank.example"',
        "asha@bank.example": 'write the host alone, "bank.example"',
        "email:asha@bank.example": "is no server",
        "*.bank.example": "write the name of one",
        " bank.example": 'blanks around it: write "bank.example"',
        "\ud800": "no name of a server",
        "b\u00fccher.example": "A-labels",
        "": "it is empty",
    }.items():
        with pytest.raises(otls.BadName) as caught:
            otls.connect(("127.0.0.1", 1), config, server_name=name)
        assert reason in str(caught.value), (name, str(caught.value))
        if not name.startswith(("email:", "*")):
            assert caught.value.hint
            with pytest.raises((otls.BadName, UnicodeError)):
                otls.check_name(name)
    assert otls.check_name("Bank.Example.") == "bank.example"
    assert otls.check_name("a_b.example") == "a_b.example"


@pytest.mark.parametrize(
    ("host", "name", "sent"),
    [
        ("localhost.", None, "localhost"),
        ("LOCALHOST", None, "localhost"),
        ("127.0.0.1", "localhost.", "localhost"),
        ("::1%1", None, None),
        ("::1%1", "Localhost.", "localhost"),
    ],
)
def test_a_host_is_named_as_people_write_it(
    world: World, host: str, name: str | None, sent: str | None
) -> None:
    key = otls.PrivateKey.generate("ecdsa")
    subject = otls.DistinguishedName(common_name="local")
    request = otls.CertificateRequest.create(key, subject, names=["localhost", "::1"])
    chain = [world.authority.issue(request, "server")]
    seen: list[str | None] = []

    def configure(offer: otls.Offer) -> otls.ServerConfig:
        seen.append(offer.server_name)
        return otls.ServerConfig(otls.Identity(chain, key), client_auth="server-only")

    with otls.listen(("::1" if ":" in host else "127.0.0.1", 0), configure=configure) as listener:
        serving = Background(lambda: listener.accept().close())
        port = listener.address[1]
        config = otls.ClientConfig(world.trust, no_identity=True)
        otls.connect((host, port), config, server_name=name).close()
        serving.join()
    assert seen == [sent]
