"""Names: what one is made of, when two are equal, and to whom an authority gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import openssl

import otls


def test_a_name_is_all_its_attributes_in_order() -> None:
    name = otls.DistinguishedName(
        common_name="Asha",
        country="IN",
        attributes=[("OU", "A"), ("OU", "B"), [("givenName", "Asha"), ("UID", "1001")], ("1.2.3.4", "x")],
    )
    kinds = [kind for kind, _ in name.attributes]
    assert kinds == ["C", "CN", "OU", "OU", "givenName", "UID", "1.2.3.4"]
    assert len(name.rdns) == 6
    assert dict(name.rdns[4]) == {"UID": "1001", "givenName": "Asha"}
    assert name.values("OU") == ("A", "B")
    assert (name.organizational_unit, name.common_name, name.state) == ("", "Asha", "")
    assert str(name) == "1.2.3.4=#0C0178,givenName=Asha+UID=1001,OU=B,OU=A,CN=Asha,C=IN"
    again = otls.DistinguishedName.from_der(name.to_der())
    assert again == name
    assert again.attributes == name.attributes
    octets = bytes.fromhex("300d310b300906035504030402" + "6162")
    assert otls.DistinguishedName.from_der(octets).attributes == (("CN", b"\x04\x02ab"),)


@pytest.mark.parametrize(
    "attributes", [[("X", "x")], [("UID", "a\nb")], [[("CN", "a"), ("CN", "b")]], [("DC", "\u00e4")]]
)
def test_an_attribute_that_cannot_be_is_refused(attributes: list[tuple[str, str]]) -> None:
    with pytest.raises((otls.BadName, otls.ApiMisuse)):
        otls.DistinguishedName(attributes=attributes)


def test_names_are_equal_and_hashed_as_rfc_5280_says() -> None:
    def name(*attributes: tuple[str, str]) -> otls.DistinguishedName:
        return otls.DistinguishedName(attributes=attributes)

    same = {
        name(("C", "IN"), ("CN", "M\u00fcller Stra\u00dfe")),
        name(("C", "in"), ("CN", " mu\u0308LLER  STRASSE")),
        name(("C", "In"), ("CN", "\uff2d\u00fc\u00adller\u00a0strasse")),
    }
    assert len(same) == 1
    assert name(("CN", "Asha"), ("UID", "1001")) != name(("CN", "Asha"), ("UID", "2002"))
    assert name(("OU", "A"), ("OU", "B")) != name(("OU", "A"))
    assert name(("OU", "A"), ("OU", "B")) != name(("OU", "B"), ("OU", "A"))


def test_a_subject_is_issued_whole_or_refused(tmp_path: Path) -> None:
    key = otls.PrivateKey.generate("ecdsa")
    authority = otls.Authority.create(key, otls.DistinguishedName(common_name="Root"))
    otls.save_key(tmp_path / "key.pem", otls.PrivateKey.generate("ecdsa"))

    def asked(*flags: str) -> otls.CertificateRequest:
        openssl(tmp_path, "req", "-new", "-key", "key.pem", "-out", "csr.pem", *flags)
        return otls.CertificateRequest.load((tmp_path / "csr.pem").read_bytes())

    request = asked(
        "-subj", "/DC=example/DC=corp/OU=A/OU=B/CN=dc1+UID=7", "-addext", "keyUsage=nonRepudiation"
    )
    certificate = authority.issue(request, "client")
    assert certificate.subject.to_der() == request.subject.to_der()
    assert request.left_out_of(certificate) == ["keyUsage nonRepudiation"]
    for extension in ("subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:asha@corp", "1.2.3.4=DER:0500"):
        with pytest.raises(otls.AuthorityRefused):
            authority.issue(asked("-subj", "/CN=asha", "-addext", extension), "client")


class Ttp:
    """An authority, its register, and enrolments over EST without a network."""

    def __init__(self) -> None:
        key = otls.PrivateKey.generate("ecdsa")
        self.authority = otls.Authority.create(key, otls.DistinguishedName(common_name="Root"))
        self.register = otls.Register()

    def enrol(
        self,
        profile: str,
        common_name: str,
        names: list[str],
        *,
        key: otls.PrivateKey | None = None,
        token: str | None = None,
        peer: otls.Certificate | None = None,
        open_to_servers: bool = False,
    ) -> otls.Certificate:
        subject = otls.DistinguishedName(common_name=common_name)
        key = key or otls.PrivateKey.generate("ecdsa")
        request = otls.CertificateRequest.create(key, subject, names=names)
        client = otls.EstClient.simpleenroll("ttp", profile, request, token=token)
        server = otls.EstServer(self.authority, peer=peer, open_to_servers=open_to_servers)
        certificates = client.feed(server.feed(client.request, self.register))
        assert certificates is not None
        return certificates[0]


def test_a_server_needs_a_token_for_its_names_or_a_certificate() -> None:
    ttp = Ttp()
    names = ["bank.example", "localhost", "192.0.2.10"]
    with pytest.raises(otls.EnrolmentError, match="401"):
        ttp.enrol("server", "bank", names)
    token = ttp.register.new_token("server", ["bank", "bank.example"])
    with pytest.raises(otls.EnrolmentError, match="not for the name"):
        ttp.enrol("server", "bank", names, token=token)
    token = ttp.register.new_token("client", ["bank", *names])
    with pytest.raises(otls.EnrolmentError, match="another profile"):
        ttp.enrol("server", "bank", names, token=token)
    token = ttp.register.new_token("server", ["Bank", *names])
    first = ttp.enrol("server", "bank", names, token=token)
    with pytest.raises(otls.EnrolmentError, match="401"):
        ttp.enrol("server", "bank", names, token=token)
    assert ttp.enrol("server", "bank", names, peer=first).names == tuple(names)
    with pytest.raises(otls.EnrolmentError, match="401"):
        ttp.enrol("server", "bank", [*names, "other.example"], peer=first)
    assert ttp.register.token_count == 2
    for refused in ((), ("x",) * 101):
        with pytest.raises(otls.ApiMisuse):
            ttp.register.new_token("server", list(refused))
    with pytest.raises(otls.ApiMisuse):
        otls.EstServer(ttp.authority, require_token=True, open_to_servers=True)


def test_nobody_is_a_bank_by_its_address_or_for_localhost() -> None:
    ttp = Ttp()
    bank = otls.PrivateKey.generate("ecdsa")
    names = ["bank.example", "localhost", "127.0.0.1", "192.0.2.10"]
    ttp.enrol("server", "bank", names, key=bank, open_to_servers=True)
    ttp.enrol("server", "bank", names, key=bank, open_to_servers=True)
    for name in (
        "localhost",
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "192.0.2.10",
        "::ffff:c000:20a",
        "BANK.example",
    ):
        with pytest.raises(otls.EnrolmentError, match="403"):
            ttp.enrol("server", "mallory", [name], open_to_servers=True)
    held = ttp.register.holders("Bank.Example.")
    assert [entry.common_name for entry in held] == ["bank", "bank"]
    assert "192.0.2.10" in held[0].names
    for entry in held:
        ttp.register.revoke(entry.serial)
    assert ttp.register.holders("bank.example") == []
    ttp.enrol("server", "mallory", ["192.0.2.10"], open_to_servers=True)


@pytest.mark.parametrize(
    "spelling",
    [
        "asha rao",
        "\uff21sha Rao",
        "As\u00adha\u200b Rao",
        "Asha  Rao",
        "ASHA\u00a0RAO",
        "asha rao.",
        "Asha R\u3164ao",
    ],
)
def test_a_name_has_one_holder_in_every_spelling(spelling: str) -> None:
    ttp = Ttp()
    ttp.enrol("client", "Asha Rao", [])
    with pytest.raises(otls.EnrolmentError, match="403"):
        ttp.enrol("client", spelling, [])


def test_a_register_of_version_1_is_read() -> None:
    key = "cd" * 32
    old = f"otls-register 1\ntoken {'ab' * 32}\n0a01 client {key} 1800086400 - Asha asha\nend 1\n"
    register = otls.Register.from_text(old)
    assert register.token_count == 0
    assert register.to_text().startswith("otls-register 2\n0a01 ")
    with pytest.raises(otls.Error):
        otls.Register.from_text(old.replace("register 1", "register 3"))
