"""What a connection wants and has."""

from __future__ import annotations

from enum import IntFlag


class State(IntFlag):
    """What a connection wants and has, as bits."""

    #: Bytes from the peer are wanted: ``feed``.
    WANT_READ = 1
    #: Bytes for the peer are waiting: ``pending``.
    WANT_WRITE = 1 << 1
    #: A server has read the ClientHello: ``offer``, then ``configure``.
    NEED_CONFIG = 1 << 2
    #: A client was asked for a certificate: ``certificate_request``, then ``provide_identity``.
    NEED_CLIENT_CERT = 1 << 3
    #: Decrypted data is waiting: ``open``.
    HAVE_PLAINTEXT = 1 << 4
    #: Our side of the handshake is done; data may be sealed.
    HANDSHAKE_DONE = 1 << 5
    #: The peer has accepted us as well.
    CONFIRMED = 1 << 6
    #: The peer sent close_notify, or ``close`` was called.
    CLOSED = 1 << 7
    #: The connection failed: ``error``.
    FAILED = 1 << 8
