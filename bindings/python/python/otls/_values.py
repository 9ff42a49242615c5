"""How public values are copied and pickled: made anew of what they say.

What holds a secret, a connection or a store is in no list here, and :mod:`pickle` and :mod:`copy` refuse it.
"""

from __future__ import annotations

import copyreg
from typing import Any

from ._otls import (
    Amount,
    Certificate,
    CertificateRequest,
    Context,
    Crl,
    DistinguishedName,
    OtpId,
    PublicKey,
    Receipt,
    TotpState,
    Transaction,
)


def _certificate(der: bytes) -> Certificate:
    return Certificate.load(der)


def _request(der: bytes) -> CertificateRequest:
    return CertificateRequest.load(der)


def _crl(der: bytes) -> Crl:
    return Crl.load(der)


def _public_key(der: bytes) -> PublicKey:
    return PublicKey.load(der)


def _name(der: bytes) -> DistinguishedName:
    return DistinguishedName.from_der(der)


def _receipt(pem: bytes) -> Receipt:
    return Receipt.from_pem(pem)


def _transaction(context: Context) -> Transaction:
    return Transaction.from_context(context)


def register() -> None:
    """Tells :mod:`copyreg` of them."""
    reduce: Any = copyreg.pickle
    reduce(Certificate, lambda value: (_certificate, (value.to_der(),)))
    reduce(CertificateRequest, lambda value: (_request, (value.to_der(),)))
    reduce(Crl, lambda value: (_crl, (value.to_der(),)))
    reduce(PublicKey, lambda value: (_public_key, (value.to_der(),)))
    reduce(DistinguishedName, lambda value: (_name, (value.to_der(),)))
    reduce(Receipt, lambda value: (_receipt, (value.to_pem(),)))
    reduce(OtpId, lambda value: (OtpId, (str(value),)))
    reduce(Context, lambda value: (Context, (value.fields,)))
    reduce(Amount, lambda value: (Amount, (value.minor, value.currency)))
    reduce(Transaction, lambda value: (_transaction, (value.context,)))
    reduce(TotpState, lambda value: (TotpState, (value.next_step, value.drift)))
