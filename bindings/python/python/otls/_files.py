"""Files that are written whole or not at all, and one that grows."""

from __future__ import annotations

import contextlib
import os

from ._otls import PrivateKey


def write_file(
    path: str | os.PathLike[str], data: bytes, *, mode: int = 0o644, overwrite: bool = True
) -> None:
    """Writes ``data`` to a temporary name beside ``path``, syncs it and renames it.

    A reader sees the old file or the new one, never a part. With ``overwrite=False`` an existing
    file is left as it is and :class:`FileExistsError` raised.
    """
    # Who connects writes no file, and they take long to import.
    import tempfile

    name = os.fsdecode(path)
    folder = os.path.dirname(name) or os.curdir
    # mkstemp makes the file 0600: nobody else can open it before the mode is what was asked for.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(name)}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        if overwrite:
            os.replace(temporary, name)
        else:
            os.link(temporary, name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync_directory(folder)


def save_key(
    path: str | os.PathLike[str],
    key: PrivateKey,
    *,
    password: str | bytes | None = None,
    overwrite: bool = False,
) -> None:
    """Saves a private key as PKCS#8 PEM, mode 0600.

    An existing file is not overwritten unless asked: :class:`FileExistsError`.
    """
    write_file(path, key.to_pem(password=password), mode=0o600, overwrite=overwrite)


def _sync_directory(directory: str) -> None:
    # The rename itself is on disk only when the directory is.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_private(path: str | os.PathLike[str], text: str) -> None:
    """Adds to a file that is for its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
