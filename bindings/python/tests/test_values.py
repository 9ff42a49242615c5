"""Public values are equal, hashed, copied and pickled as what they say; what holds a secret is not."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import otls
from conftest import World, connected, pump

PAYMENT = otls.Transaction(
    "transfer", "{amount} to {payee}: {code}", amount=otls.Amount(10_000_000, "INR"), payee="Ravi"
)


def receipt_of(world: World) -> otls.Receipt:
    """What a customer has signed."""
    client, server = connected(world)
    issued = otls.Ledger(pepper=b"p" * 32).issue("customer", PAYMENT.context)
    otls.Channel(server).send(otls.Envelope.for_transaction(issued, PAYMENT))
    pump(server, client)
    envelope = otls.Channel(client).receive()
    assert isinstance(envelope, otls.Envelope)
    return otls.Receipt.sign(client, envelope, "approved")


def values(world: World) -> list[tuple[Any, Any]]:
    """A value of each kind, and another one that is not equal to it."""
    key = world.keys["ecdsa_secp256r1_sha256"]
    other = otls.PrivateKey.generate("ecdsa")
    name, stranger = world.authority.certificate.subject, otls.DistinguishedName(common_name="x")
    request = otls.CertificateRequest.create
    return [
        (world.authority.certificate, world.identity("client").certificate),
        (request(key, name), request(other, name)),
        (world.authority.issue_crl([], number=1), world.authority.issue_crl([], number=2)),
        (key.public_key, other.public_key),
        (name, stranger),
        (receipt_of(world), receipt_of(world)),
        (otls.OtpId("01" * 16), otls.OtpId("02" * 16)),
        (otls.Context({"a": "1"}), otls.Context({"a": "2"})),
        (otls.Amount(1, "INR"), otls.Amount(1, "EUR")),
        (PAYMENT, otls.Transaction("transfer", "{code}")),
        (otls.TotpState(3, -1), otls.TotpState(3, 1)),
        (otls.Verdict("wrong", 2), otls.Verdict("used")),
        (
            otls.Offer(
                ["TLS_AES_128_GCM_SHA256"], ["x25519", "0x1A1A"], [], "bank.example", ["h2", "\udcff"]
            ),
            otls.Offer([], ["x25519"], []),
        ),
        (
            otls.RequestedCertificate(["ecdsa_secp256r1_sha256"], None, [b"0"]),
            otls.RequestedCertificate(["ecdsa_secp256r1_sha256"], []),
        ),
    ]


def test_values_are_equal_hashed_copied_and_pickled(world: World) -> None:
    ways: list[Callable[[Any], Any]] = [
        copy.copy,
        copy.deepcopy,
        lambda value: pickle.loads(pickle.dumps(value)),
    ]
    for value, other in values(world):
        assert value != other
        assert value != "another kind"
        assert len({value, other}) == 2
        for way in ways:
            again = way(value)
            assert type(again) is type(value)
            assert again == value
            assert hash(again) == hash(value)
            assert len({value, again}) == 1


def test_what_holds_a_secret_is_neither_copied_nor_pickled(world: World) -> None:
    client, _ = connected(world)
    ledger = otls.Ledger(pepper=b"p" * 32)
    things = [
        world.keys["ecdsa_secp256r1_sha256"],
        world.identity("client"),
        world.authority,
        client,
        ledger,
        ledger.issue("asha", otls.Context({"a": "1"})),
        otls.TicketKeys.generate(),
        otls.Hotp(b"s" * 20),
        otls.Aead("AES-256-GCM", b"k" * 32),
    ]
    for thing in things:
        for way in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                way(thing)


def test_values_that_mean_nothing_are_refused() -> None:
    wrong: list[Callable[[], object]] = [
        lambda: otls.Verdict("right"),
        lambda: otls.Verdict("wrong"),
        lambda: otls.Verdict("used", 2),
        lambda: otls.Offer(["AES"], [], []),
        lambda: otls.Offer([], ["0x"], []),
        lambda: otls.RequestedCertificate(["0x12345"]),
    ]
    for make in wrong:
        with pytest.raises(otls.ApiMisuse) as refused:
            make()
        assert refused.value.hint
