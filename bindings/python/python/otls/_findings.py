"""What a report of a refused certificate is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One failed check of a certificate chain."""

    #: Which candidate chain, counted from 0.
    candidate: int
    #: Which certificate: 0 is the leaf, each issuer one more.
    depth: int
    #: The certificate's subject, or empty when there is none.
    subject: str
    #: The check that failed, for example ``"notAfter"``.
    check: str
    #: Why it failed, with the values that were compared.
    reason: str
    #: What to do about it.
    hint: str
