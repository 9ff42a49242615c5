"""The workflow as a person runs it: three programs in three terminals, in any order."""

from __future__ import annotations

import itertools
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from programs import MESSAGE, Program, free_ports, openssl

import otls

SUITES = {
    ("AES", "SHA256"): "OTLS_AES_128_CBC_HMAC_SHA256",
    ("AES", "SHA384"): "OTLS_AES_256_CBC_HMAC_SHA384",
    ("CHACHA20", "SHA256"): "TLS_CHACHA20_POLY1305_SHA256",
    ("CHACHA20", "SHA384"): "OTLS_CHACHA20_POLY1305_SHA384",
    ("AES-GCM", "SHA256"): "TLS_AES_128_GCM_SHA256",
    ("AES-GCM", "SHA384"): "TLS_AES_256_GCM_SHA384",
}
KEYS = {
    ("RSA", "SHA256"): ("rsa_pss_rsae_sha256", "Public-Key: (2048 bit)", "sha256WithRSAEncryption"),
    ("RSA", "SHA384"): ("rsa_pss_rsae_sha384", "Public-Key: (3072 bit)", "sha384WithRSAEncryption"),
    ("ECDSA", "SHA256"): ("ecdsa_secp256r1_sha256", "NIST CURVE: P-256", "ecdsa-with-SHA256"),
    ("ECDSA", "SHA384"): ("ecdsa_secp384r1_sha384", "NIST CURVE: P-384", "ecdsa-with-SHA384"),
}
PROGRAMS = ("my_ttp", "my_server", "my_client")
ORDERS = list(itertools.permutations(PROGRAMS))
CHOICES = [
    (auth, cipher, hash_name) for (auth, hash_name) in KEYS for cipher in ("AES", "CHACHA20", "AES-GCM")
]


class Desk:
    """Three terminals and a person."""

    def __init__(self, stack: ExitStack, folder: Path, *, shared: bool = False) -> None:
        self._stack = stack
        self._folder = folder
        self._shared = shared
        self._ttp_port, self._bank_port = free_ports(2)
        self.programs: dict[str, Program] = {}

    def start(self, name: str, *more: str) -> Program:
        """Starts a program and answers what it asks at once."""
        where = ["--ttp", f"127.0.0.1:{self._ttp_port}"]
        flags = {
            "my_ttp": ["--port", str(self._ttp_port)],
            "my_server": ["--port", str(self._bank_port), *where],
            "my_client": ["--bank", f"127.0.0.1:{self._bank_port}", *where],
        }[name]
        program = Program(name, *flags, *more, folder=self._folder, terminal=True, shared=self._shared)
        self._stack.enter_context(program)
        self.programs[name] = program
        if name == "my_ttp":
            program.answer("country code", "IND", "1N", "IN")
            program.answer("state or province", "Goa")
            program.answer("locality", "x" * 200, "Panaji")
            program.answer("organisation", "Example Trust")
            program.answer("domain name", "no spaces", "ttp.example")
            program.expect("ready on")
        elif name == "my_server":
            program.answer("user name for the certificate", "../bank", "private_key", "first bank")
        else:
            program.answer("user name for the certificate", "a/b", "asha")
        return program

    def start_unattended_bank(self) -> Program:
        """Starts a bank that asks nothing."""
        flags = ("--port", str(self._bank_port), "--ttp", f"127.0.0.1:{self._ttp_port}", "--no-input")
        return self._stack.enter_context(Program("my_server", *flags, folder=self._folder))

    def choose(self, auth: str, cipher: str, hash_name: str) -> None:
        """Answers the bank's questions about the suite, wrongly at first."""
        bank = self.programs["my_server"]
        bank.answer("key exchange/authentication (ECDSA, RSA)", "DSA", auth.lower())
        bank.answer("symmetric encryption (AES, CHACHA20, AES-GCM)", "DES", cipher)
        bank.answer("hash (SHA256, SHA384)", "MD5", hash_name)

    def certify(self, name: str, organisation: str, domain: str, extra: str) -> None:
        """Answers the certification details."""
        program = self.programs[name]
        program.answer("country code", "xyz", "in")
        program.answer("state or province", "Goa")
        program.answer("locality", "")
        program.answer("organisation", organisation)
        program.answer("domain name", domain)
        program.answer("an extra DNS name", "not a name!", extra)

    def finish(self) -> None:
        """The bank and the customer end well; the TTP stays up."""
        self.programs["my_client"].succeeds()
        self.programs["my_server"].succeeds()
        assert self.programs["my_ttp"].process.poll() is None


@pytest.mark.parametrize(
    ("auth", "cipher", "hash_name", "order"),
    [(*choice, ORDERS[number % len(ORDERS)]) for number, choice in enumerate(CHOICES)],
    ids=lambda value: value if isinstance(value, str) else "-".join(name[3:] for name in value),
)
def test_the_message_arrives_and_everything_is_as_answered(
    tmp_path: Path, auth: str, cipher: str, hash_name: str, order: tuple[str, ...]
) -> None:
    scheme, key_line, signature = KEYS[auth, hash_name]
    with ExitStack() as stack:
        desk = Desk(stack, tmp_path)
        for name in order:
            desk.start(name)
        desk.choose(auth, cipher, hash_name)
        desk.certify("my_server", "Example Bank", "bank.example", "www.bank.example")
        desk.certify("my_client", "", "asha.example", "")
        desk.finish()
        bank, customer = desk.programs["my_server"], desk.programs["my_client"]

        message = MESSAGE.fullmatch(customer.output)
        assert message, customer.output
        assert "the code of asha was verified: accepted" in bank.log
        assert "a second time is refused: used" in bank.log
        assert "the bank verified the code: accepted" in customer.log
        for program in (bank, customer):
            assert f"connection: {SUITES[cipher, hash_name]}, X25519MLKEM768, {scheme}" in program.log
        assert bank.output == desk.programs["my_ttp"].output == ""
        for program in desk.programs.values():
            assert message[1] not in program.log

    (kept,) = (tmp_path / "Server" / "receipts").iterdir()
    assert f"keeps the customer's signed receipt, approved: Server/receipts/{kept.name}" in bank.log
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    receipt = otls.Receipt.from_pem(kept.read_bytes())
    authority = otls.Certificate.load((tmp_path / "CA" / "cert.pem").read_bytes())
    assert receipt.verify(otls.TrustStore(authority)).subject.common_name == "asha"
    assert (kept.stem, receipt.decision, receipt.scheme) == (str(receipt.id), "approved", scheme)
    assert receipt.text == "The OTP for transferring Rs 1,00,000 to your friend's account is ••••••."
    assert message[1] not in kept.read_text()

    names = ("Server/first bank.pem", "Client/asha.pem")
    verified = openssl(tmp_path, "verify", "-CAfile", "CA/cert.pem", "-x509_strict", *names)
    assert verified.split("\n") == [f"{name}: OK" for name in names] + [""]
    for certificate, subject in zip(names, ("first bank", "asha"), strict=True):
        folder = certificate.split("/")[0]
        public = openssl(tmp_path, "x509", "-in", certificate, "-noout", "-pubkey")
        assert public == openssl(tmp_path, "req", "-in", f"{folder}/csr.pem", "-noout", "-pubkey")
        assert public == openssl(tmp_path, "pkey", "-in", f"{folder}/private_key.pem", "-pubout")
        assert public == (tmp_path / folder / "public_key.pem").read_text()
        text = openssl(tmp_path, "x509", "-in", certificate, "-noout", "-text")
        assert key_line in text
        assert re.search(rf"Subject: C = IN, ST = Goa, L = Panaji, O = Example \w+, CN = {subject}\n", text)
        request = openssl(tmp_path, "req", "-in", f"{folder}/csr.pem", "-noout", "-text")
        assert f"Signature Algorithm: {signature}" in request
    text = openssl(tmp_path, "x509", "-in", names[0], "-noout", "-ext", "subjectAltName,extendedKeyUsage")
    assert "DNS:bank.example, DNS:www.bank.example, DNS:localhost, IP Address:127.0.0.1" in text
    assert "TLS Web Server Authentication" in text
    for private in ("CA/key.pem", "Server/private_key.pem", "Client/private_key.pem"):
        assert (tmp_path / private).stat().st_mode & 0o777 == 0o600


def test_one_terminal_shows_the_message_on_a_line_of_its_own(tmp_path: Path) -> None:
    with ExitStack() as stack:
        desk = Desk(stack, tmp_path, shared=True)
        for name in PROGRAMS:
            desk.start(name)
        desk.choose("ECDSA", "AES", "SHA256")
        desk.certify("my_server", "Example Bank", "bank.example", "")
        desk.certify("my_client", "", "asha.example", "")
        desk.finish()
        lines = desk.programs["my_client"].log.splitlines(keepends=True)
        assert sum(bool(MESSAGE.fullmatch(line)) for line in lines) == 1


def test_a_second_run_with_other_answers_works_in_the_same_folder(tmp_path: Path) -> None:
    with ExitStack() as stack:
        desk = Desk(stack, tmp_path)
        desk.start("my_ttp")
        for auth, hash_name in (
            ("ECDSA", "SHA256"),
            ("RSA", "SHA256"),
            ("RSA", "SHA256"),
            ("ECDSA", "SHA384"),
        ):
            desk.start("my_server")
            desk.start("my_client")
            desk.choose(auth, "AES", hash_name)
            desk.certify("my_server", "Example Bank", "bank.example", "")
            desk.certify("my_client", "", "asha.example", "")
            desk.finish()
            assert KEYS[auth, hash_name][0] in desk.programs["my_server"].log
    kept = sorted(path.name for path in (tmp_path / "Client").glob("private_key.pem*"))
    assert kept == ["private_key.pem", "private_key.pem.old-1", "private_key.pem.old-2"]


def test_a_customer_who_confirms_may_mistype_but_not_for_ever(tmp_path: Path) -> None:
    with ExitStack() as stack:
        desk = Desk(stack, tmp_path)
        desk.start("my_ttp")
        for guesses, customer_code, bank_code in ((1, 0, 0), (3, 8, 8)):
            server = desk.start_unattended_bank()
            customer = desk.start("my_client", "--confirm")
            desk.certify("my_client", "", "asha.example", "")
            customer.expect("type the code")
            message = MESSAGE.fullmatch(customer.output)
            assert message
            wrong = f"{(int(message[1]) + 1) % 10**6:06}"
            for nothing in ("", "the code of the message above, which I have copied as a whole: 123456"):
                customer.type(nothing)
                customer.expect("an answer that is empty, longer than 64 octets")
            customer.type("12345")
            customer.expect("the bank refused the code: not a code")
            for left in range(2, 2 - guesses, -1):
                customer.type(wrong)
                customer.expect(f"wrong ({left} attempt")
            if customer_code == 0:
                customer.type(f"{message[1][:3]} {message[1][3:]}")
            assert customer.end() == customer_code, customer.log
            assert server.end() == bank_code, server.log
            assert "Traceback" not in customer.log + server.log
            assert message[1] not in server.log
            if customer_code:
                assert "the bank refused the code" in customer.log.splitlines()[-1]


def test_a_customer_who_declines_signs_that_and_nothing_is_accepted(tmp_path: Path) -> None:
    with ExitStack() as stack:
        desk = Desk(stack, tmp_path)
        desk.start("my_ttp")
        server = desk.start_unattended_bank()
        customer = desk.start("my_client", "--confirm")
        desk.certify("my_client", "", "asha.example", "")
        customer.expect("type the code")
        customer.type("no")
        customer.succeeds()
        assert "told the bank, signed, that you decline" in customer.log
        assert server.end() == 8
        assert "asha declined the transfer" in server.log.splitlines()[-1]
        assert "accepted" not in server.log
    (kept,) = (tmp_path / "Server" / "receipts").iterdir()
    assert otls.Receipt.from_pem(kept.read_bytes()).decision == "declined"
