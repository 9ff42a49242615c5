"""BROKEN ON PURPOSE: never use any of this. Keys and ciphers of the original design.

- The PRF's seed is fixed: what both sides send as random goes into nothing.
- The key is 16 characters of Python's text for a bytearray, of which 12 are always the same.
- No cipher is authenticated, messages have no numbers, and the padding stays on the message.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from Crypto.Cipher import AES, ChaCha20

#: Strongest first.
SUITES = ("CHACHA20", "AES-CBC", "AES-ECB")
SEED = b"master secret"
BLOCK = 16


def prf(secret: bytes, length: int = 48) -> bytearray:
    """P_hash, as TLS 1.2 has it, of a secret and a seed that never changes."""
    out, a = bytearray(), SEED
    while len(out) < length:
        a = hmac.digest(secret, a, hashlib.sha256)
        out += hmac.digest(secret, a + SEED, hashlib.sha256)
    return out[:length]


def session_key(premaster: bytes) -> bytes:
    """The key of both directions."""
    return str(prf(premaster))[:16].encode()


def seal(suite: str, key: bytes, text: bytes) -> bytes:
    """Encrypts a message: nonce or IV, then the ciphertext."""
    padding = BLOCK - len(text) % BLOCK
    padded = text + bytes([padding]) * padding
    if suite == "CHACHA20":
        stream = ChaCha20.new(key=key * 2, nonce=os.urandom(8))
        return stream.nonce + stream.encrypt(padded)
    if suite == "AES-CBC":
        chained = AES.new(key, AES.MODE_CBC, iv=os.urandom(BLOCK))
        return bytes(chained.iv) + chained.encrypt(padded)
    return AES.new(key, AES.MODE_ECB).encrypt(padded)


def unseal(suite: str, key: bytes, sealed: bytes) -> bytes:
    """Decrypts whatever comes; what the padding is, or whether there is any, is nobody's business."""
    if suite == "CHACHA20":
        return ChaCha20.new(key=key * 2, nonce=sealed[:8]).decrypt(sealed[8:])
    if suite == "AES-CBC":
        return AES.new(key, AES.MODE_CBC, iv=sealed[:BLOCK]).decrypt(sealed[BLOCK:])
    return AES.new(key, AES.MODE_ECB).decrypt(sealed)
