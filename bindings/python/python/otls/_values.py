"""How public values are copied and pickled: made anew of what they say.

What holds a secret, a connection or a store is in no list here, and :mod:`pickle` and :mod:`copy` refuse it.
"""

from __future__ import annotations

import copyreg

from ._otls import (
    Amount,
    Certificate,
    CertificateRequest,
    Context,
    Crl,
    DistinguishedName,
    Offer,
    OtpId,
    PublicKey,
    Receipt,
    RequestedCertificate,
    TotpState,
    Transaction,
    Verdict,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Kinds with an encoding: the method that makes it, and the one that reads it.
_ENCODED = (
    (Certificate, "to_der", "load"),
    (CertificateRequest, "to_der", "load"),
    (Crl, "to_der", "load"),
    (DistinguishedName, "to_der", "from_der"),
    (PublicKey, "to_der", "load"),
    (Receipt, "to_pem", "from_pem"),
)


def _read(kind: type, method: str, encoded: Any) -> Any:
    return getattr(kind, method)(encoded)


def register() -> None:
    """Tells :mod:`copyreg` of them."""
    reduce: Any = copyreg.pickle

    def encoded(kind: type, write: str, read: str) -> None:
        reduce(kind, lambda value: (_read, (kind, read, getattr(value, write)())))

    for kind, write, read in _ENCODED:
        encoded(kind, write, read)
    reduce(Transaction, lambda value: (_read, (Transaction, "from_context", value.context)))
    reduce(OtpId, lambda value: (OtpId, (str(value),)))
    reduce(Context, lambda value: (Context, (value.fields,)))
    reduce(Amount, lambda value: (Amount, (value.minor, value.currency)))
    reduce(TotpState, lambda value: (TotpState, (value.next_step, value.drift)))
    reduce(Verdict, lambda value: (Verdict, (value.kind, value.attempts_left)))
    reduce(Offer, lambda value: (Offer, _fields(value, "suites groups schemes server_name alpn")))
    reduce(
        RequestedCertificate,
        lambda value: (RequestedCertificate, _fields(value, "schemes certificate_schemes authorities")),
    )


def _fields(value: object, names: str) -> tuple[Any, ...]:
    return tuple(getattr(value, name) for name in names.split())
