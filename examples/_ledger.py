"""The bank's memory of its codes: a database, a record of what happened, and the two secrets for them."""

from __future__ import annotations

import secrets
from pathlib import Path

import otls
from _terminal import Exit, Stop

#: As long as the keyed hashes that they make.
SECRET_LENGTH = 32


def open_ledger(address: str, folder: Path) -> otls.Ledger:
    """The ledger at ``address``, with its audit log in ``folder``.

    The secrets are made when they are missing. A real bank keeps them apart from database and log.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return otls.Ledger(
            address,
            pepper=_secret(folder / "pepper"),
            audit_log=folder / "audit.log",
            audit_key=_secret(folder / "audit.key"),
        )
    except otls.ApiMisuse as error:
        raise Stop(Exit.USAGE, f"--ledger {address}: {error}", error.hint) from error
    except (otls.OtpStoreError, otls.OtpAuditError) as error:
        raise Stop(Exit.FILES, f"{address}, {folder / 'audit.log'}: {error}", error.hint) from error


def _secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        secret = secrets.token_bytes(SECRET_LENGTH)
        otls.write_file(path, secret, mode=0o600, overwrite=False)
    if len(secret) < SECRET_LENGTH:
        raise Stop(Exit.FILES, f"{path} has fewer than {SECRET_LENGTH} octets", "put it back from its copy")
    return secret
