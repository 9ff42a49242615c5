"""The compiled half of ``otls``. Use the names from ``otls`` itself."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import Literal, TypeAlias, final

from ._errors import Error
from ._state import State

_Bytes: TypeAlias = bytes | bytearray | memoryview
_Material: TypeAlias = str | bytes | bytearray | memoryview
_Moment: TypeAlias = datetime | float | Callable[[], datetime | float]
_Clock: TypeAlias = Callable[[], datetime | float]
_Path: TypeAlias = str | PathLike[str]
_Chain: TypeAlias = Certificate | Sequence[Certificate]
# What has ``recv(int) -> bytes`` and ``send(bytes) -> int``.
_Socket: TypeAlias = object

__version__: str
SUITES: tuple[str, ...]
GROUPS: tuple[str, ...]
SCHEMES: tuple[str, ...]
ERROR_CODES: tuple[tuple[int, str], ...]

def load_key(data: _Material, *, password: _Material | None = None) -> PrivateKey:
    """Loads a private key, PEM or DER, encrypted or not."""

def check_name(name: str) -> str:
    """Checks an alternative name (a DNS name or an IP address) and returns it as certificates carry it: in
    lower case, without a dot at its end.
    """

def cms_seal(
    content: _Bytes, signer: Identity, recipient: Certificate, *, now: _Moment | None = None
) -> bytes:
    """Signs ``content`` and encrypts it to the holder of ``recipient``: CMS (RFC 5652, RFC 5083) in DER,
    which ``openssl cms`` reads. The recipient's certificate is taken as it is.
    """

def cms_open(
    message: _Bytes,
    recipient: Identity,
    trust: TrustStore,
    *,
    server_name: str | None = None,
    role: Literal["server", "client", "any"] | None = None,
    now: _Moment | None = None,
) -> Verified:
    """Opens what ``cms_seal`` or ``openssl cms`` has made: signed, then encrypted. The signer's
    certificate is judged as by ``TrustStore.verify``. Nothing comes out unless all of it is right.
    """

def cms_sign(content: _Bytes, signer: Identity, *, now: _Moment | None = None) -> bytes:
    """Signs ``content`` for everybody to read: CMS SignedData that has the content and the signer's chain
    in it.
    """

def cms_verify(
    message: _Bytes,
    trust: TrustStore,
    *,
    content: _Bytes | None = None,
    server_name: str | None = None,
    role: Literal["server", "client", "any"] | None = None,
    now: _Moment | None = None,
) -> Verified:
    """Verifies what ``cms_sign`` or ``openssl cms -sign`` has made, DER or PEM, as ``cms_open`` does.
    ``content`` is what was signed where it is not in the message (a detached signature).
    """

@final
class Verified:
    """A content, and who has signed it."""

    @property
    def content(self) -> bytes:
        """What was signed."""
    @property
    def signer(self) -> Certificate:
        """The certificate of who has signed it."""
    @property
    def signed_at(self) -> datetime | None:
        """When, as the signer says."""

@final
class PrivateKey:
    """A private key.

    It shows nothing of itself: saving it is ``to_pem`` or ``to_der``.
    """

    @staticmethod
    def generate(kind: str, *, bits: int | None = None, curve: str | None = None) -> PrivateKey:
        """Makes a new key: ``generate("rsa", bits=2048)``, ``generate("ecdsa", curve="P-256")`` or
        ``generate("ed25519")``.
        """
    @staticmethod
    def load(data: _Material, *, password: _Material | None = None) -> PrivateKey:
        """Loads a private key, PEM or DER; the same as ``otls.load_key``."""
    def to_pem(self, *, password: _Material | None = None) -> bytes:
        """PKCS#8 PEM: plain, or encrypted with ``password``."""
    def to_der(self, *, password: _Material | None = None) -> bytes:
        """PKCS#8 DER: plain, or encrypted with ``password``."""
    def export(
        self,
        *,
        format: Literal["pkcs8", "pkcs1", "sec1"] = "pkcs8",
        encoding: Literal["pem", "der"] = "pem",
        password: _Material | None = None,
        encryption: Literal["pbkdf2", "scrypt", "legacy-pem"] | None = None,
    ) -> bytes:
        """The key in a format of choice: ``"pkcs8"``, ``"pkcs1"`` (RSA) or ``"sec1"`` (EC), as ``"pem"``
        or ``"der"``.

        With a password PKCS#8 is encrypted by PBES2 (``encryption="pbkdf2"``, the default, or ``"scrypt"``),
        and traditional PEM by ``encryption="legacy-pem"``, which is weak.
        """
    def decrypt(self, ciphertext: _Bytes, *, label: _Bytes | None = None) -> bytes:
        """Decrypts what ``PublicKey.encrypt`` made with the same ``label`` (RSA-OAEP with SHA-256)."""
    @property
    def kind(self) -> str:
        """``"rsa"`` or ``"ecdsa"``."""
    @property
    def curve(self) -> str | None:
        """The curve of an ECDSA key."""
    @property
    def bits(self) -> int:
        """The size of the modulus (RSA) or of the curve (ECDSA) in bits."""
    @property
    def public_key(self) -> PublicKey:
        """The public half."""
    def sign(self, message: _Bytes, scheme: str) -> bytes:
        """Signs ``message`` with a scheme of ``otls.SCHEMES``."""

@final
class PublicKey:
    """A public key."""

    @staticmethod
    def load(data: _Material) -> PublicKey:
        """Loads a public key, PEM or DER."""
    def to_pem(self) -> bytes:
        """SubjectPublicKeyInfo as PEM."""
    def to_der(self) -> bytes:
        """SubjectPublicKeyInfo as DER."""
    def to_pkcs1_pem(self) -> bytes:
        """RSAPublicKey (PKCS#1) as PEM; RSA only."""
    def to_pkcs1_der(self) -> bytes:
        """RSAPublicKey (PKCS#1) as DER; RSA only."""
    def encrypt(self, plaintext: _Material, *, label: _Bytes | None = None) -> bytes:
        """Encrypts a few octets, such as an AEAD key, to the holder of the private key (RSA-OAEP with
        SHA-256).
        """
    @property
    def kind(self) -> str:
        """``"rsa"`` or ``"ecdsa"``."""
    @property
    def curve(self) -> str | None:
        """The curve of an ECDSA key."""
    @property
    def bits(self) -> int:
        """The size of the modulus (RSA) or of the curve (ECDSA) in bits."""
    @property
    def fingerprint(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo, in hexadecimal."""
    def verify(self, message: _Bytes, signature: _Bytes, scheme: str) -> None:
        """Verifies a signature; raises ``otls.BadSignature`` if it is not one of ``message``."""
    def __hash__(self) -> int: ...

@final
class Aead:
    """Authenticated encryption with associated data under one key.

    Algorithms: ``"AES-128-GCM"``, ``"AES-256-GCM"``, ``"CHACHA20-POLY1305"``, and AES-CBC with PKCS#7 padding
    inside ``"AES-128-CBC-HMAC-SHA256"`` and ``"AES-256-CBC-HMAC-SHA384"``, where the tag is checked first.
    """

    def __new__(cls, name: str, key: _Material) -> Aead: ...
    @staticmethod
    def generate_key(name: str) -> bytes:
        """A new random key for an algorithm."""
    def seal(self, plaintext: _Bytes, *, aad: _Bytes | None = None) -> bytes:
        """Seals one message: nonce, ciphertext and tag, with a random nonce. ``aad`` is authenticated and
        not part of the result.
        """
    def open(self, sealed: _Bytes, *, aad: _Bytes | None = None) -> bytes:
        """Opens what ``seal`` made; raises ``otls.DecryptError`` for anything else."""
    def seal_with_nonce(self, nonce: _Bytes, plaintext: _Bytes, *, aad: _Bytes | None = None) -> bytes:
        """Seals with a nonce of the caller's: ciphertext and tag. The same nonce twice under one key gives
        both messages and the key's authenticity away.
        """
    def open_with_nonce(self, nonce: _Bytes, sealed: _Bytes, *, aad: _Bytes | None = None) -> bytes:
        """Opens what ``seal_with_nonce`` made."""

@final
class DistinguishedName:
    """A subject or issuer: all of its attributes, in order.

    The keywords are put in the usual order; ``attributes`` come behind them, in their own: each is a pair of
    a type (``"UID"``, ``"DC"``, ``"1.2.3.4"``) and a text, or a list of pairs that stand in one
    RelativeDistinguishedName. The values are checked (RFC 5280): the country is two letters, the others are
    not too long and have no control characters. Two names are equal when RFC 5280 section 7.1 says that they
    match.

    ``common_name`` and its like are empty where there is no such attribute, and also where there are several,
    because none of them is then the one: ``values`` has them all.
    """

    def __new__(
        cls,
        *,
        country: str = "",
        state: str = "",
        locality: str = "",
        organization: str = "",
        organizational_unit: str = "",
        common_name: str = "",
        email: str = "",
        serial_number: str = "",
        attributes: Sequence[tuple[str, str] | Sequence[tuple[str, str]]] | None = None,
    ) -> DistinguishedName: ...
    @staticmethod
    def from_der(der: _Bytes) -> DistinguishedName:
        """Reads the DER of a Name."""
    def to_der(self) -> bytes:
        """The name as it is encoded."""
    @property
    def attributes(self) -> tuple[tuple[str, str | bytes], ...]:
        """All attributes in their order, each a type and a value: text, or the bytes of its DER where it
        is none.
        """
    @property
    def rdns(self) -> tuple[tuple[tuple[str, str | bytes], ...], ...]:
        """As ``attributes``, a tuple of them for each RelativeDistinguishedName."""
    def values(self, kind: str) -> tuple[str, ...]:
        """The texts of all attributes of a type, in their order."""
    @property
    def country(self) -> str:
        """C: two letters. As with each of these: empty where there is none, and also where there are
        several, because none of them is then the one; ``values`` has them all.
        """
    @property
    def state(self) -> str:
        """ST: state or province."""
    @property
    def locality(self) -> str:
        """L: locality."""
    @property
    def organization(self) -> str:
        """O: organisation."""
    @property
    def organizational_unit(self) -> str:
        """OU: organisational unit."""
    @property
    def common_name(self) -> str:
        """CN: common name."""
    @property
    def email(self) -> str:
        """emailAddress."""
    @property
    def serial_number(self) -> str:
        """serialNumber: of the subject itself, not of a certificate."""
    def __hash__(self) -> int: ...

@final
class CertificateRequest:
    """A certificate request (PKCS#10): a subject, names and a public key, signed with its private key.

    One that was loaded has a signature that verified: its sender has the private key.
    """

    @staticmethod
    def create(
        key: PrivateKey,
        subject: DistinguishedName,
        *,
        names: Sequence[str] | None = None,
        hash: str | None = None,
    ) -> CertificateRequest:
        """Makes and signs a request, with ``hash`` or the one that fits the key."""
    @staticmethod
    def load(data: _Material) -> CertificateRequest:
        """Loads a request, PEM or DER, and checks its signature."""
    def to_pem(self) -> bytes:
        """PEM."""
    def to_der(self) -> bytes:
        """DER."""
    @property
    def subject(self) -> DistinguishedName:
        """Whom the certificate shall be for."""
    @property
    def names(self) -> tuple[str, ...]:
        """The alternative names that are asked for."""
    @property
    def public_key(self) -> PublicKey:
        """The public key."""
    @property
    def is_ca(self) -> bool:
        """Whether it asks for an authority's certificate."""
    @property
    def path_length(self) -> int | None:
        """pathLenConstraint: how many authorities may stand below; ``None`` without one."""
    @property
    def key_usages(self) -> list[str]:
        """KeyUsage, in the words of RFC 5280."""
    @property
    def extended_key_usages(self) -> list[str]:
        """ExtendedKeyUsage: names, or dotted numbers."""
    @property
    def signature_algorithm(self) -> str:
        """What it is signed with, as OpenSSL names it."""
    def left_out_of(self, certificate: Certificate) -> list[str]:
        """What it asks for and ``certificate``, which was issued for it, does not have: usages,
        constraints and attributes, and names where it is an authority's. What else is not issued of its
        subject and names is refused.
        """
    def to_text(self) -> str:
        """All of it for a person to read."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Certificate:
    """A certificate."""

    @staticmethod
    def load(data: _Material) -> Certificate:
        """Loads one certificate, PEM or DER; a file with anything beside it is refused."""
    @staticmethod
    def load_chain(data: _Material) -> list[Certificate]:
        """Loads all certificates of a PEM bundle, in order; at least one. A file with anything else in it
        is refused.
        """
    @staticmethod
    def load_authorities(data: _Material) -> tuple[list[Certificate], list[str]]:
        """Loads the authorities of a bundle; those with a kind or size of key that is not supported are
        left out, and named in the second list.
        """
    def to_pem(self) -> bytes:
        """PEM."""
    def to_der(self) -> bytes:
        """DER."""
    @property
    def subject(self) -> DistinguishedName:
        """Whom it is for."""
    @property
    def issuer(self) -> DistinguishedName:
        """Who signed it."""
    @property
    def serial(self) -> int:
        """The serial number."""
    @property
    def not_before(self) -> datetime:
        """From when it is valid, in UTC."""
    @property
    def not_after(self) -> datetime:
        """Until when it is valid, in UTC."""
    @property
    def names(self) -> tuple[str, ...]:
        """The alternative names: DNS names and IP addresses."""
    @property
    def is_ca(self) -> bool:
        """Whether it is an authority's."""
    @property
    def public_key(self) -> PublicKey:
        """The public key."""
    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, in hexadecimal."""
    @property
    def path_length(self) -> int | None:
        """pathLenConstraint: how many authorities may stand below; ``None`` without one."""
    @property
    def key_usages(self) -> list[str]:
        """KeyUsage, in the words of RFC 5280."""
    @property
    def extended_key_usages(self) -> list[str]:
        """ExtendedKeyUsage: names, or dotted numbers."""
    @property
    def signature_algorithm(self) -> str:
        """What it is signed with, as OpenSSL names it."""
    def to_text(self) -> str:
        """All of it for a person to read."""
    @property
    def subject_key_identifier(self) -> bytes | None:
        """SubjectKeyIdentifier."""
    @property
    def authority_key_identifier(self) -> bytes | None:
        """AuthorityKeyIdentifier."""
    @property
    def crl_urls(self) -> list[str]:
        """Where its issuer publishes revocation lists."""
    def __hash__(self) -> int: ...

@final
class Crl:
    """A list of revoked certificates."""

    @staticmethod
    def load(data: _Material) -> Crl:
        """Loads one list, PEM or DER; a file with anything beside it is refused. Its signature is checked
        by whoever verifies with it.
        """
    @staticmethod
    def load_all(data: _Material) -> list[Crl]:
        """Loads all lists of a file, in order; at least one. A file with anything else in it is refused."""
    def to_pem(self) -> bytes:
        """PEM."""
    def to_der(self) -> bytes:
        """DER."""
    @property
    def issuer(self) -> DistinguishedName:
        """Who signed it."""
    @property
    def number(self) -> int:
        """Its number, which grows from list to list."""
    @property
    def this_update(self) -> datetime:
        """When it was issued, in UTC."""
    @property
    def next_update(self) -> datetime:
        """From then on it is stale, in UTC."""
    @property
    def revoked(self) -> tuple[tuple[int, datetime, str], ...]:
        """The entries: serial number, time and reason of each."""
    def to_text(self) -> str:
        """All of it for a person to read."""
    def __contains__(self, key: Certificate, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Authority:
    """A certificate authority: its certificate, its key and the hash that it signs with."""

    @staticmethod
    def create(
        key: PrivateKey,
        subject: DistinguishedName,
        *,
        hash: str | None = None,
        path_length: int = 0,
        lifetime: timedelta | None = None,
        now: _Moment | None = None,
    ) -> Authority:
        """Makes an authority with a self-signed certificate that is valid for ``lifetime``, ten years by
        default. It signs with ``hash``, or with the one that fits the key; ``path_length`` authorities
        may stand below it.
        """
    @staticmethod
    def load(
        certificate: Certificate, key: PrivateKey, *, chain: _Chain | None = None, hash: str | None = None
    ) -> Authority:
        """An authority from its certificate and key; one below another has the issuers above it in
        ``chain``, nearest first.
        """
    @property
    def chain(self) -> list[Certificate]:
        """The authority's certificate and those above it: what its holders send behind their own."""
    @property
    def certificate(self) -> Certificate:
        """The authority's certificate."""
    def issue(
        self,
        request: CertificateRequest,
        profile: str,
        *,
        names: Sequence[str] | None = None,
        lifetime: timedelta | None = None,
        now: _Moment | None = None,
    ) -> Certificate:
        """Issues a certificate for the key, subject and names of ``request``, valid for ``lifetime``, 90
        days by default. ``profile`` ("server", "client" or "both") decides what it is good for, not the
        request. It has ``names`` beside those that the request asks for, which may have been made of a
        common name alone.
        """
    def issue_authority(
        self,
        request: CertificateRequest,
        *,
        path_length: int = 0,
        permitted: Sequence[str] | None = None,
        excluded: Sequence[str] | None = None,
        lifetime: timedelta | None = None,
        now: _Moment | None = None,
    ) -> Certificate:
        """Issues the certificate of an authority below this one. ``path_length`` further ones may stand
        below it, and it may issue for names within ``permitted`` and outside ``excluded`` only: DNS
        names with all below them, and networks.
        """
    def issue_crl(
        self,
        revoked: Sequence[tuple[Certificate, _Moment, str]],
        *,
        number: int | None = None,
        lifetime: timedelta | None = None,
        now: _Moment | None = None,
    ) -> Crl:
        """Signs a list of revoked certificates, each as (certificate, time, reason). The ``number`` has to
        grow from list to list; by default it is the time. The next list is due after ``lifetime``,
        seven days by default.
        """

@final
class Identity:
    """A private key with the certificate chain that speaks for it, leaf first."""

    def __new__(cls, chain: _Chain, key: PrivateKey) -> Identity: ...
    @staticmethod
    def load(data: _Material, *, password: _Material | None = None) -> Identity:
        """An identity of one file that has both a private key and its chain of certificates, PEM or
        PKCS#12.
        """
    def to_pkcs12(
        self,
        password: _Material,
        *,
        friendly_name: str | None = None,
        mac: Literal["hmac-sha256", "pbmac1"] = "hmac-sha256",
    ) -> bytes:
        """A PKCS#12 file of key and chain; ``friendly_name`` is Java's alias.

        It is encrypted by PBES2 with AES-256. ``mac`` is ``"hmac-sha256"``, which everybody reads, or
        ``"pbmac1"`` (RFC 9579), which OpenSSL reads from 3.4 on.
        """
    @property
    def certificate(self) -> Certificate:
        """The leaf certificate."""
    @property
    def chain(self) -> list[Certificate]:
        """The chain, leaf first."""

@final
class Pkcs12:
    """A PKCS#12 file, opened: at most one private key, and certificates, as in Java's trust stores.

    ``Identity.load`` takes one that is a key with its chain and nothing else.
    """

    @staticmethod
    def load(data: _Material, *, password: _Material) -> Pkcs12:
        """Opens a file with its password, which may be empty."""
    @property
    def key(self) -> PrivateKey | None:
        """The private key; None in a trust store."""
    @property
    def friendly_name(self) -> str | None:
        """What the key is called: Java's alias of it."""
    @property
    def certificates(self) -> list[Certificate]:
        """All certificates, each once: those of the key's chain first, leaf first, then the others."""
    def authorities(self) -> tuple[list[Certificate], list[str]]:
        """All certificates as authorities, as ``Certificate.load_authorities`` has them: those with a key
        that is not supported are left out and named.
        """

@final
class TrustStore:
    """The authorities that are trusted: by certificate, or by the SHA-256 fingerprint (hexadecimal) of one
    that the peer sends with its own.

    ``intermediates`` help to find a path where the peer does not send them; at most ``max_depth`` may stand
    in one. Where ``crls`` has a list of an authority, its certificates are checked against it; with
    ``require_crls`` there has to be one. With ``allow_missing_eku`` a leaf may be without ExtendedKeyUsage.
    """

    def __new__(
        cls,
        authorities: _Chain | None = None,
        *,
        fingerprints: Sequence[str] | None = None,
        intermediates: _Chain | None = None,
        crls: Sequence[Crl] | None = None,
        max_depth: int | None = None,
        require_crls: bool = False,
        allow_missing_eku: bool = False,
    ) -> TrustStore: ...
    def verify(
        self,
        chain: _Chain,
        *,
        server_name: str | None = None,
        role: Literal["server", "client", "any"] | None = None,
        now: _Moment | None = None,
    ) -> Certificate:
        """Judges a chain (leaf first) as that of the server ``server_name``, or without it as a client's;
        with ``role="any"`` the path alone. Returns the trusted authority that it leads to. Raises a
        ``CertificateError`` whose ``report`` says what failed.
        """

@final
class ClientConfig:
    """What a client is willing to do: it trusts servers of ``trust`` alone. Shared by any number of
    connections.

    Without an identity it pauses (NEED_CLIENT_CERT) when a server asks for a certificate; with
    ``no_identity=True`` it never sends one. ``further_identities`` are of other authorities or kinds of key:
    a server gets the one that it can verify.

    ``suites``, ``groups``, ``signing_schemes`` (of what our key signs) and ``verify_schemes`` (of what the
    server signs) are sequences of names, most preferred first; see ``otls.SUITES``, ``otls.GROUPS`` and
    ``otls.SCHEMES``. ``key_shares`` are the groups of which a share goes with the first message, none for an
    empty sequence (RFC 8446 §4.2.8). A server may send at most ``max_chain_len`` certificates (10).

    Connections keep the newest ``sessions`` sessions that the server offers to resume; none is resumed later
    than ``session_lifetime`` (a day, at most seven) after its last full handshake. With ``named_authorities``
    the server is told whom we trust, to choose its certificate by. ``any_server_name=True`` takes a
    certificate for any name, as long as its path is right: for diagnosis alone.
    """

    def __new__(
        cls,
        trust: TrustStore,
        *,
        identity: Identity | None = None,
        further_identities: Sequence[Identity] | None = None,
        no_identity: bool = False,
        suites: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        key_shares: Sequence[str] | None = None,
        signing_schemes: Sequence[str] | None = None,
        verify_schemes: Sequence[str] | None = None,
        alpn: Sequence[str] | None = None,
        sessions: int = 0,
        session_lifetime: timedelta | None = None,
        named_authorities: bool = False,
        any_server_name: bool = False,
        max_chain_len: int | None = None,
        record_size_limit: int | None = None,
        max_fragment: int | None = None,
        padding: int = 0,
        key_log: bool = False,
    ) -> ClientConfig: ...

@final
class ServerConfig:
    """What a server is willing to do, with its identity and what it asks of clients. Shared by any number
    of connections.

    ``client_auth="require"`` or ``"request"`` asks for a certificate of ``trust``; ``"server-only"`` has to
    be asked for by name. ``"enrolled"`` is for enrolment servers: as ``"request"``, and a server's
    certificate will do.

    ``further_identities`` are for other names or kinds of key: each client gets the one that it can verify.
    With ``tickets`` clients may resume: each connection gets ``ticket_count`` of them, and no session
    outlives ``session_lifetime`` (a day, at most seven) after its last full handshake. The others are those
    of ``otls.ClientConfig``.
    """

    def __new__(
        cls,
        identity: Identity,
        *,
        client_auth: Literal["require", "request", "enrolled", "server-only"] = "require",
        trust: TrustStore | None = None,
        further_identities: Sequence[Identity] | None = None,
        suites: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        signing_schemes: Sequence[str] | None = None,
        verify_schemes: Sequence[str] | None = None,
        alpn: Sequence[str] | None = None,
        tickets: TicketKeys | None = None,
        ticket_count: int = 2,
        session_lifetime: timedelta | None = None,
        max_chain_len: int | None = None,
        record_size_limit: int | None = None,
        max_fragment: int | None = None,
        padding: int = 0,
        key_log: bool = False,
    ) -> ServerConfig: ...

@final
class TicketKeys:
    """The keys that a server seals its session tickets with. They change every 12 hours by themselves.

    Servers that hold the same keys resume each other's sessions: ``export`` on one, ``load`` on the others.
    """

    @staticmethod
    def generate(*, now: _Moment | None = None) -> TicketKeys:
        """New keys."""
    @staticmethod
    def from_bytes(data: _Bytes, *, now: _Moment | None = None) -> TicketKeys:
        """Keys that ``to_bytes`` made, on this server or another."""
    def to_bytes(self, *, now: _Moment | None = None) -> bytes:
        """The keys as of now. Secret: whoever has them can pass for any client."""

@final
class Session:
    """A session that a client may resume, once: ``Connection.take_session`` gives it, and
    ``Connection.client(session=...)`` uses it up. Whoever has it can pass for the client until it
    expires.
    """

    @staticmethod
    def from_bytes(data: _Bytes) -> Session:
        """A session that ``to_bytes`` saved."""
    def to_bytes(self) -> bytes:
        """For ``from_bytes``. Secret."""
    @property
    def server_name(self) -> str:
        """The server that it is with."""
    @property
    def expires_at(self) -> datetime:
        """From then on it is of no use."""
    @property
    def authenticated_at(self) -> datetime:
        """When both sides last showed their certificates: the time of the full handshake, and not of one
        that resumed it.
        """

@final
class Offer:
    """What a client offers. A server gets one; those of your own are for trying what chooses a
    configuration.
    """

    def __new__(
        cls,
        suites: Sequence[str],
        groups: Sequence[str],
        schemes: Sequence[str],
        server_name: str | None = None,
        alpn: Sequence[str] | None = None,
    ) -> Offer: ...
    def __hash__(self) -> int: ...
    @property
    def suites(self) -> tuple[str, ...]:
        """Names of cipher suites, most preferred first."""
    @property
    def groups(self) -> tuple[str, ...]:
        """Names of groups, most preferred first."""
    @property
    def schemes(self) -> tuple[str, ...]:
        """Names of signature schemes."""
    @property
    def server_name(self) -> str | None:
        """The server's name that the client asked for."""
    @property
    def alpn(self) -> tuple[str, ...]:
        """ALPN protocols, most preferred first. Octets that are no UTF-8 are escaped as in ``os.fsdecode``
        (PEP 383).
        """

@final
class RequestedCertificate:
    """What a server asks a client's certificate to be. A client gets one; those of your own are for trying
    what provides an identity.
    """

    def __new__(
        cls,
        schemes: Sequence[str],
        certificate_schemes: Sequence[str] | None = None,
        authorities: Sequence[bytes] | None = None,
    ) -> RequestedCertificate: ...
    def __hash__(self) -> int: ...
    @property
    def schemes(self) -> tuple[str, ...]:
        """Names of the signature schemes that the server accepts."""
    @property
    def certificate_schemes(self) -> tuple[str, ...] | None:
        """Names of the signature schemes that it accepts in certificates; ``None`` where it does not tell
        them apart.
        """
    @property
    def authorities(self) -> tuple[bytes, ...]:
        """Subjects (DER) of the authorities that the server trusts; empty if it did not say."""

@final
class Trace:
    """Records what connections do: every message with its fields, how each key comes about, what was
    checked.

    With neither ``path`` nor ``echo`` the lines of the trace are kept for ``take``, with the values of
    secrets where ``secrets`` asks for them. With ``echo=True`` people are told on standard error, one line
    for each message, without the value of any secret. With ``path`` a file is written that only its owner may
    read: a page where the name ends in ``.html``, made by ``close``; otherwise the lines as they come. A file
    has the secrets of the connections: who sees it reads them, as with a key log. One that is there already
    is left alone (``FileExistsError``) unless ``overwrite``. No trace has a private key.

    ``party`` says whose trace it is, such as ``"bank"``, and ``title`` what was run. docs/trace.md has the
    format. Give it to ``otls.connect``, ``otls.listen``, ``otls.serve`` and the like as ``trace``, or to
    ``Connection.set_trace``.
    """
    def __new__(
        cls,
        path: str | PathLike[str] | None = None,
        *,
        party: str = "",
        title: str = "",
        echo: bool = False,
        secrets: bool = False,
        overwrite: bool = False,
    ) -> Trace: ...
    def story(
        self,
        step: str,
        text: str,
        *,
        secret: dict[str, str | int | bool | None] | None = None,
        **members: str | int | bool | None,
    ) -> None:
        """Records a step of the program itself (docs/trace.md), with what belongs to it: text, numbers,
        truth values. ``secret`` members are left out where the trace has no secrets.
        """
    def take(self) -> str:
        """The lines since the last call, of a trace that keeps them."""
    @staticmethod
    def page(traces: Sequence[str]) -> str:
        """One page (HTML) of the traces of one run: the text of each, as ``take`` and the files have it.
        The page has what they have. Raises ``ValueError`` for what is no trace.
        """
    def close(self) -> Path | None:
        """Ends the recording; the path of the file that was written, if any. Raises ``OSError`` where
        something could not be written.
        """
    def __enter__(self) -> Trace: ...
    def __exit__(self, *_exception: object) -> None: ...

@final
class Link:
    """Carries octets between a connection and ``recv`` and ``send`` of a socket that does not wait.

    A handler of a signal (Ctrl-C) may raise between any two steps of Python, and what a call has returned is
    lost then. Here octets go from the socket into the connection, and from the connection into the socket,
    within one call. For one caller at a time.
    """
    def __new__(cls, connection: Connection, sock: _Socket) -> Link: ...
    def take_in(self) -> bool:
        """Feeds what was received, or else receives; whether there was anything, the end of the transport
        included.
        """
    def read(self, limit: int) -> bytes | None:
        """The next data, of as many records as have come, at most ``limit`` octets; empty where something
        came that is no data, or nothing more will; ``None`` where nothing came.
        """
    def flush(self) -> bool:
        """Sends what is pending; whether nothing is left."""
    def send(self, data: _Bytes) -> bool:
        """Protects application data and sends it; whether nothing is left."""
    @property
    def stuck(self) -> bool:
        """Whether the last call that sent has left something for want of room."""
    @property
    def dry(self) -> bool:
        """Whether nothing can be done before something comes, and the socket had no more than was received
        last: the next call of ``read`` is likely to find nothing.
        """
    @property
    def kept(self) -> int:
        """Octets that were received and not fed."""
    @property
    def received(self) -> int:
        """Octets that were received so far."""
    @property
    def ended(self) -> bool:
        """Whether the transport has ended, and everything before was fed."""

@final
class Connection:
    """A TLS 1.3 connection without I/O: bytes in, bytes out.

    Made by ``Connection.client``, ``Connection.server`` or ``Connection.accept``. What ``pending`` returns
    goes to the peer, what the peer sends goes to ``feed``. The first error is final: it is raised, kept in
    ``error``, and its alert is pending. Calls from several threads are taken one by one; the interpreter lock
    is released while a call works.

    It belongs to the process that made it: in one that was forked from it every call raises
    ``otls.ApiMisuse``, because both would protect data with the same keys and nonces. Make the connection
    after ``os.fork()``.

    Certificates are judged at the time of the call that judges them (``feed``, ``configure``,
    ``provide_identity``): that of ``now``, a callable that returns an aware ``datetime``, or of the system's
    clock.
    """

    @staticmethod
    def client(
        config: ClientConfig, server_name: str, *, session: Session | None = None, now: _Clock | None = None
    ) -> Connection:
        """A client that connects to the server of this name; its first bytes are pending at once.

        ``session`` is resumed if it can be, which uses it up; see ``resumed``.
        """
    @staticmethod
    def server(config: ServerConfig, *, now: _Clock | None = None) -> Connection:
        """A server."""
    @staticmethod
    def accept(*, now: _Clock | None = None) -> Connection:
        """A server that pauses (NEED_CONFIG) when it has read what the client offers."""
    def set_trace(self, trace: Trace) -> None:
        """Has everything that happens from here on recorded in ``trace``; to be called once, before
        anything is fed.
        """
    @property
    def offer(self) -> Offer | None:
        """What the client offers, from NEED_CONFIG on."""
    def configure(self, config: ServerConfig) -> None:
        """Goes on with this configuration after NEED_CONFIG."""
    @property
    def certificate_request(self) -> RequestedCertificate | None:
        """What the server asks for, from NEED_CLIENT_CERT on."""
    def provide_identity(self, identity: Identity | None) -> None:
        """Goes on with this identity, or with none, after NEED_CLIENT_CERT."""
    def reject(self, alert: str) -> None:
        """Gives the handshake up where it waits for us (NEED_CONFIG or NEED_CLIENT_CERT), with the alert
        that says why, such as ``"unrecognized_name"`` or ``"access_denied"`` (RFC 8446 §6.2). The
        connection has then failed with ``otls.Rejected``, and the alert is pending.
        """
    def feed(self, data: _Bytes) -> int:
        """Takes bytes that arrived; returns how many were taken. Feed the rest again when NEED_CONFIG,
        NEED_CLIENT_CERT or undelivered plaintext no longer stand in the way.
        """
    def feed_end(self) -> None:
        """The transport ended; raises ``otls.TruncatedError`` unless the peer said close_notify."""
    def pending(self, limit: int = ...) -> bytes:
        """Bytes for the peer, at most ``limit`` of them. They stay pending until ``consume``."""
    def consume(self, length: int) -> None:
        """Forgets the first ``length`` octets of what is pending: they were sent."""
    @property
    def state(self) -> State:
        """What the connection wants and has."""
    def seal(self, data: _Bytes) -> None:
        """Protects application data; it is then pending."""
    def update_keys(self, *, request: bool = False) -> None:
        """Replaces the key that we seal with (RFC 8446 §4.6.3); with ``request`` the peer has to replace
        its own as well. Done by itself before a key's limit is reached.
        """
    def read(self, limit: int = ...) -> bytes:
        """Takes decrypted data, at most ``limit`` octets; empty where there is none."""
    @property
    def available(self) -> int:
        """How many octets ``read`` could return now."""
    def close(self) -> None:
        """Queues close_notify."""
    @property
    def peer(self) -> Certificate | None:
        """The peer's certificate, once it and the peer's possession of its key are verified; None once the
        connection has failed.
        """
    @property
    def peer_chain(self) -> list[Certificate]:
        """The peer's chain as it was sent, leaf first; empty before it is verified."""
    @property
    def certificate(self) -> Certificate | None:
        """The certificate that we showed the peer, on this connection or on the one that it resumes; None
        once the connection has failed.
        """
    @property
    def resumed(self) -> bool:
        """Whether this connection resumes an earlier one (RFC 8446 §2.2)."""
    @property
    def retried(self) -> bool:
        """Whether the server has asked for another key share (HelloRetryRequest, RFC 8446 §4.1.4), which
        costs a round trip: ``key_shares`` of ``otls.ClientConfig`` can save it.
        """
    @property
    def alpn(self) -> str | None:
        """The application protocol that was agreed on (ALPN, RFC 7301)."""
    def take_session(self) -> Session | None:
        """The newest session that the server offers to resume, where the configuration keeps any."""
    def take_key_log(self) -> str | None:
        """The secrets since the last call, as lines of an ``SSLKEYLOGFILE`` (RFC 9850); ``None`` without
        any.
        """
    @property
    def identity(self) -> Identity | None:
        """The identity that we authenticated with; none for a client that resumes."""
    @property
    def suite(self) -> str | None:
        """The name of the negotiated suite."""
    @property
    def group(self) -> str | None:
        """The name of the negotiated group."""
    @property
    def scheme(self) -> str | None:
        """The name of the scheme with which we signed."""
    @property
    def peer_scheme(self) -> str | None:
        """The name of the scheme with which the peer signed."""
    @property
    def is_server(self) -> bool:
        """Whether we are the server."""
    def export(self, label: str, length: int, *, context: _Bytes | None = None) -> bytes:
        """Keying material that both sides have and nobody else (RFC 8446 §7.5)."""
    @property
    def error(self) -> Error | None:
        """The exception for why the connection failed."""

@final
class OtpId:
    """The identifier of an issued code; not secret.

    ``OtpId(text)`` takes the 32 hexadecimal digits of ``str(id)``.
    """

    def __new__(cls, text: str) -> OtpId: ...
    def __bytes__(self) -> bytes: ...
    def __hash__(self) -> int: ...

@final
class Code:
    """A one-time code. It prints as dots; ``expose`` returns the digits."""

    def expose(self) -> str:
        """The digits, to be shown to the customer."""
    def __len__(self) -> int: ...

@final
class Context:
    """The transaction that a code is for, as named fields, for example ``Context({"purpose": "transfer",
    "amount": "100000.00", "currency": "INR"})``. A ``Transaction`` makes one with a template for the
    customer's text.

    One changed character is another transaction, for which the code is not good.
    """

    def __new__(cls, fields: Mapping[str, str]) -> Context: ...
    @property
    def fields(self) -> dict[str, str]:
        """The fields, in canonical order."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Amount:
    """A sum of money: minor units (paise, cents) of an ISO 4217 currency. ``str`` writes it as people do:
    ``str(Amount(10_000_000, "INR"))`` is ``"Rs 1,00,000"``.
    """

    def __new__(cls, minor: int, currency: str) -> Amount: ...
    @property
    def minor(self) -> int:
        """The number of minor units."""
    @property
    def currency(self) -> str:
        """The currency's code in ISO 4217."""
    @property
    def exponent(self) -> int:
        """Digits after the point: 2 for most, 0 for JPY, 3 for KWD."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Transaction:
    """What a customer is asked to approve, with the template of the text that says so."""

    def __new__(
        cls,
        purpose: str,
        template: str,
        *,
        amount: Amount | None = None,
        payee: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Transaction: ...
    @staticmethod
    def from_context(context: Context) -> Transaction:
        """The transaction of a context that has a template."""
    @property
    def context(self) -> Context:
        """What a code is issued for: all of it."""
    @property
    def purpose(self) -> str:
        """What kind of transaction it is."""
    @property
    def amount(self) -> Amount | None:
        """How much."""
    @property
    def payee(self) -> str | None:
        """Who gets it."""
    @property
    def fields(self) -> dict[str, str]:
        """Anything else, by name."""
    @property
    def template(self) -> str:
        """The text with its placeholders."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Issued:
    """A code that was just issued."""

    @property
    def id(self) -> OtpId:
        """Its identifier."""
    @property
    def code(self) -> Code:
        """The code; the ledger does not keep it."""
    @property
    def issued_at(self) -> datetime:
        """When it was issued."""
    @property
    def expires_at(self) -> datetime:
        """From this time on it is expired."""

@final
class Verdict:
    """The ledger's answer to a code: ``kind`` says which, and a wrong one has ``attempts_left``."""

    def __new__(cls, kind: str, attempts_left: int | None = None) -> Verdict: ...
    @property
    def kind(self) -> str:
        """``"accepted"``, ``"wrong"``, ``"expired"``, ``"used"``, ``"locked"``, ``"unknown"``,
        ``"cancelled"`` or ``"not_a_code"``: what was typed cannot be a code, was not judged, and is no
        attempt.
        """
    @property
    def accepted(self) -> bool:
        """Whether the code was right, in time, and for the first time."""
    @property
    def attempts_left(self) -> int | None:
        """How many attempts are left after a wrong code."""
    def __hash__(self) -> int: ...

@final
class Ledger:
    """Issues codes and verifies each once. It remembers no code, only a keyed hash.

    A ledger over the store that ``address`` names: ``"memory:"``, ``"sqlite:PATH"``, ``"redis://HOST"`` or
    ``"postgresql://HOST/DATABASE"``. ``pepper`` is a secret of at least 32 octets, kept apart from the store;
    in memory it may be left out and is random then. A subject gets ``issues`` codes within a ``window``, ten
    minutes by default, and ``subject_attempts`` wrong tries in a row. What is no code of ``length``
    characters of ``alphabet`` is not judged: a ledger that only verifies needs the same.
    """

    def __new__(
        cls,
        address: str = "memory:",
        *,
        pepper: _Material | None = None,
        former_peppers: Sequence[_Material] | None = None,
        subject_attempts: int = 100,
        issues: int = 30,
        window: timedelta | None = None,
        alphabet: str = "0123456789",
        length: int = 6,
        audit_log: _Path | None = None,
        audit_key: _Material | None = None,
    ) -> Ledger:
        """Over ``memory:``, ``sqlite:PATH``, ``redis://HOST`` or ``postgresql://HOST/DATABASE``.

        ``pepper`` is a secret of at least 32 octets, kept apart from the store; in memory it may be left
        out. A subject has ``subject_attempts`` wrong tries in a row, and ``issues`` codes in ``window``
        seconds. With ``audit_log`` nothing is issued or accepted that cannot be recorded.

        Every call ends within ten seconds, and one that fails has accepted nothing. A ledger may be opened
        before ``os.fork()``: each child makes its own connections and leaves alone those that it has
        inherited. Codes in memory belong to one process, and a child that was forked in the middle of another
        thread's call of SQLite cannot use that file: both raise ``otls.ApiMisuse``.

        A Redis has to have ``maxmemory-policy noeviction``, ``appendonly yes`` and ``appendfsync always``.
        ``redis://HOST?accept=unknown-eviction`` accepts one that does not tell the first,
        ``accept=less-persistence`` one that may forget its last seconds; both are joined by ``&``.
        """
    def issue(
        self,
        subject: str,
        context: Context,
        *,
        lifetime: timedelta | None = None,
        attempts: int = 3,
        now: _Moment | None = None,
    ) -> Issued:
        """Issues a code to ``subject`` for ``context``, good for ``lifetime``, two minutes by default, and
        ``attempts`` wrong tries.
        """
    def resend(
        self,
        id: OtpId,
        subject: str,
        context: Context,
        *,
        lifetime: timedelta | None = None,
        attempts: int = 3,
        now: _Moment | None = None,
    ) -> Issued:
        """Issues a code in the place of one that did not arrive: that one is cancelled, and the wrong
        tries that it has seen count for the new one.
        """
    def verify(
        self,
        id: OtpId,
        subject: str,
        context: Context,
        code: Code | _Material,
        *,
        receipt: Receipt | None = None,
        now: _Moment | None = None,
    ) -> Verdict:
        """Judges a code: one that is right is accepted once. That of another subject is ``unknown``. A
        ``receipt`` is kept in the same step in which the code is accepted, and with no other verdict.
        One that is about another code or transaction, or declines, is an error, and no code is judged.

        The code is taken as people type it: blanks, hyphens and dashes do not count, full-width characters
        are those of ASCII, and a letter may have the other case where the alphabet has it in one. What then
        has another length or another character is ``not_a_code``, and no attempt. A number is a
        ``TypeError``, since leading zeros count.
        """
    def cancel(self, id: OtpId, subject: str, *, now: _Moment | None = None) -> Verdict:
        """Withdraws a code of ``subject``: ``cancelled``, or ``used`` or ``unknown`` where it is too late."""
    def decline(
        self, id: OtpId, subject: str, context: Context, receipt: Receipt, *, now: _Moment | None = None
    ) -> Verdict:
        """Withdraws a code that its customer has declined, and keeps in the same step what was signed."""
    def receipt(self, id: OtpId, subject: str) -> Receipt | None:
        """What the customer has signed about a code that was issued to ``subject``, if something was kept."""
    def forget_receipts(self, before: _Moment, *, now: _Moment | None = None) -> int:
        """Forgets the receipts that were kept before a time, and returns how many. Nothing else forgets
        them.
        """
    def lock(self, subject: str, *, now: _Moment | None = None) -> None:
        """Locks a subject: it gets no codes, and none of its codes are accepted, until it is unlocked."""
    def unlock(self, subject: str, *, now: _Moment | None = None) -> None:
        """Unlocks a subject that was locked or had too many wrong codes in a row."""
    def expire(self, *, now: _Moment | None = None) -> int:
        """Forgets the codes that expired more than an hour ago, and returns how many. Receipts stay."""
    def statistics(self, *, now: _Moment | None = None) -> dict[str, int]:
        """How many codes are ``open``, ``used``, ``cancelled``, ``locked`` and ``expired``, and how many
        ``locked_subjects`` there are.
        """

@final
class Hotp:
    """Codes from a counter that bank and customer both keep (RFC 4226).

    ``secret`` is ``bytes``, or base32 as ``str``; 16 octets or more. Codes from a shared secret are not
    phishing-resistant, and the bank can compute them too.
    """

    def __new__(cls, secret: _Material, *, digits: int = 6) -> Hotp: ...
    @staticmethod
    def generate(*, digits: int = 6) -> Hotp:
        """Codes from a new random secret of 20 octets."""
    def code(self, counter: int) -> Code:
        """The code for a counter."""
    def verify(self, code: Code | _Material, counter: int, *, look_ahead: int = 10) -> int | None:
        """The counter to store if ``code`` is right for ``counter``, the stored one, or for one of the
        ``look_ahead`` behind it, at most 100; else ``None``.

        The code is taken as people type it: blanks, hyphens and dashes do not count, and full-width digits
        are digits. What cannot be a code then raises ``OtpNotACode``: it was not judged, and does not have to
        be counted as an attempt.
        """
    def resynchronise(self, first: Code | _Material, second: Code | _Material, counter: int) -> int | None:
        """The counter to store if two codes in a row are right within 1000 counters of the stored one: for
        a token that is ahead too far.
        """
    @property
    def digits(self) -> int:
        """Digits of a code."""

@final
class TotpState:
    """What the bank stores for each shared secret of a ``Totp``; ``TotpState()`` is right for one that was
    never used.
    """

    def __new__(cls, next_step: int = 0, drift: int = 0) -> TotpState: ...
    @property
    def next_step(self) -> int:
        """The first step that is still accepted: the one after the last that was used."""
    @property
    def drift(self) -> int:
        """How many steps the customer's clock was ahead when last seen; negative if behind."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Totp:
    """Codes from the time (RFC 6238).

    ``secret`` is ``bytes``, or base32 as ``str``; 16 octets or more. Codes from a shared secret are not
    phishing-resistant, and the bank can compute them too.
    """

    def __new__(
        cls, secret: _Material, *, algorithm: str = "SHA1", digits: int = 6, period: int = 30
    ) -> Totp: ...
    @staticmethod
    def generate(*, algorithm: str = "SHA1", digits: int = 6, period: int = 30) -> Totp:
        """Codes from a new random secret, as long as the output of the hash."""
    def code(self, now: _Moment | None = None) -> Code:
        """The code at a time, by default now."""
    def verify(
        self,
        code: Code | _Material,
        state: TotpState,
        *,
        past: int = 1,
        future: int = 1,
        now: _Moment | None = None,
    ) -> TotpState | None:
        """The state to store if ``code`` is right and was not used before; else ``None``. It may be
        ``past`` steps late or ``future`` ones early, at most 10 each. It is taken as people type it,
        see ``Hotp.verify``.
        """
    @property
    def algorithm(self) -> str:
        """``"SHA1"``, ``"SHA256"`` or ``"SHA512"``."""
    @property
    def digits(self) -> int:
        """Digits of a code."""
    @property
    def period(self) -> int:
        """Seconds in a step."""

@final
class OtpAuth:
    """A shared secret with its parameters, who issued it, and for whom: what an ``otpauth`` URI says.

    For the codes of a ``Totp``, or of a ``Hotp`` from ``counter`` on.
    """

    def __new__(cls, codes: Totp | Hotp, issuer: str, account: str, *, counter: int | None = None) -> OtpAuth:
        """For the codes of a ``Totp``, or of a ``Hotp`` from ``counter`` on."""
    @staticmethod
    def parse(uri: _Material) -> OtpAuth:
        """Reads a URI, as a file or a scanner of QR codes gives it: a byte order mark and blanks around it
        do not count, and what apps add for their display is passed over (``image``, ``color``,
        ``lock``, ``icon``, ``tags``, ``codeDisplay``). Another parameter could change what the codes
        are, and is refused by name.
        """
    def uri(self) -> str:
        """The URI, with all parameters written out. It is as secret as the secret in it."""
    def qr(self, *, invert: bool = False) -> str:
        """A QR code of the URI as text, light on a dark ground, or with ``invert`` dark on a light one. It
        is as secret as the secret in it.
        """
    @property
    def issuer(self) -> str | None:
        """Who issued the secret."""
    @property
    def account(self) -> str:
        """Whose codes they are."""
    @property
    def totp(self) -> Totp | None:
        """The codes from the time, if that is what it is for."""
    @property
    def hotp(self) -> Hotp | None:
        """The codes from a counter, if that is what it is for."""
    @property
    def counter(self) -> int | None:
        """The first counter to be used, if it is for codes from a counter."""

@final
class Ocra:
    """Responses to challenges under one suite (RFC 6287), for example ``Ocra(secret,
    "OCRA-1:HOTP-SHA256-8:QA08-T1M")``.

    ``secret`` is ``bytes``, or base32 as ``str``; 16 octets or more. Codes from a shared secret are not
    phishing-resistant, and the bank can compute them too.
    """

    def __new__(cls, secret: _Material, suite: str) -> Ocra: ...
    @property
    def suite(self) -> str:
        """The suite."""
    def response(
        self,
        challenge: str,
        *,
        second_challenge: str | None = None,
        counter: int | None = None,
        pin: _Material | None = None,
        pin_hash: _Material | None = None,
        session: _Bytes | None = None,
        now: _Moment | None = None,
    ) -> Code:
        """The response: digits, or hexadecimal for a suite that does not truncate. The inputs are those
        that the suite names; ``now`` is by default the system's time, if the suite has one.
        """
    def verify(
        self,
        response: Code | _Material,
        challenge: str,
        *,
        second_challenge: str | None = None,
        counter: int | None = None,
        pin: _Material | None = None,
        pin_hash: _Material | None = None,
        session: _Bytes | None = None,
        now: _Moment | None = None,
    ) -> bool:
        """Whether a response is right. It is taken as people type it, see ``Hotp.verify``. A challenge is
        for one attempt: that is the caller's to see to.
        """

@final
class Envelope:
    """Bank to customer: the code and the text that is shown with it."""

    def __new__(
        cls,
        *,
        id: OtpId,
        text: str,
        code: Code | _Material,
        context: Context,
        expires_at: _Moment,
        issued_at: _Moment | None = None,
    ) -> Envelope: ...
    @staticmethod
    def for_transaction(issued: Issued, transaction: Transaction) -> Envelope:
        """For a code that was just issued for the context of ``transaction``, with the text of its
        template.
        """
    @property
    def id(self) -> OtpId:
        """Which code."""
    @property
    def code(self) -> Code:
        """The code."""
    def expose_text(self) -> str:
        """The text for the customer; it contains the code, so it is secret."""
    @property
    def context(self) -> Context:
        """The transaction."""
    @property
    def issued_at(self) -> datetime:
        """When it was issued."""
    @property
    def expires_at(self) -> datetime:
        """From this time on it is expired."""

@final
class Mail:
    """An envelope that came by a push message, a mail box or a file, and the bank that has signed it."""

    @staticmethod
    def seal(
        envelope: Envelope, signer: Identity, recipient: Certificate, *, now: _Moment | None = None
    ) -> bytes:
        """Signs ``envelope`` together with the customer's certificate ``recipient``, and encrypts it to
        it.
        """
    @staticmethod
    def open(
        message: _Bytes,
        recipient: Identity,
        trust: TrustStore,
        *,
        server_name: str | None = None,
        role: Literal["server", "client", "any"] | None = None,
        accept_free_text: bool = False,
        now: _Moment | None = None,
    ) -> Mail:
        """Opens what ``seal`` has made for ``recipient``. The bank's certificate is judged as by
        ``TrustStore.verify``: pass the bank's name as ``server_name``, or a ``role`` where its signer
        is no server. ``accept_free_text`` as in ``Channel``.
        """
    @property
    def envelope(self) -> Envelope:
        """What the bank has sent."""
    @property
    def signer(self) -> Certificate:
        """The bank's certificate."""

@final
class Answer:
    """Customer to bank: the code comes back, or without a code the customer declines."""

    def __new__(
        cls, id: OtpId, code: Code | _Material | None = None, *, receipt: Receipt | None = None
    ) -> Answer: ...
    @property
    def id(self) -> OtpId:
        """Which code."""
    @property
    def code(self) -> Code | None:
        """What the customer returned; ``None`` from one who declines."""
    @property
    def receipt(self) -> Receipt | None:
        """What the customer has signed; on the bank's side it was checked, but for its transaction."""
    @property
    def decision(self) -> str:
        """``"approved"`` or ``"declined"``."""

@final
class Receipt:
    """A customer's signed decision about a transaction, with the certificates that go with it. No code is
    in it, and none can be found from it.
    """

    @staticmethod
    def sign(
        connection: Connection,
        envelope: Envelope,
        decision: str,
        *,
        identity: Identity | None = None,
        now: _Moment | None = None,
    ) -> Receipt:
        """Signs a decision, ``"approved"`` or ``"declined"``, about what ``envelope`` asks, with the
        connection's own identity; one that resumes another has none at hand, and needs ``identity``.
        """
    @staticmethod
    def from_pem(data: _Material) -> Receipt:
        """Reads a file exactly as ``to_pem`` wrote it. It proves nothing before ``verify``."""
    def to_pem(self) -> bytes:
        """The receipt with its certificates, to be kept."""
    def verify(self, trust: TrustStore) -> Certificate:
        """Judges it without a connection: the certificates as a client's, at the receipt's own time, and
        the signature. Returns the customer's certificate.
        """
    def check_context(self, context: Context) -> None:
        """Raises ``OtpReceiptError``, which names what differs, unless it is about this transaction."""
    @property
    def id(self) -> OtpId:
        """Which code."""
    @property
    def decision(self) -> str:
        """``"approved"`` or ``"declined"``."""
    @property
    def time(self) -> datetime:
        """When it was signed, by the customer's clock."""
    @property
    def context(self) -> Context:
        """The transaction."""
    @property
    def text(self) -> str | None:
        """What the customer read, with dots for the code; ``None`` for a transaction without a template."""
    @property
    def scheme(self) -> str:
        """The signature's scheme."""
    @property
    def chain(self) -> list[Certificate]:
        """The customer's certificates, leaf first; not judged."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class VerdictNotice:
    """Bank to customer: what the ledger says."""

    def __new__(cls, id: OtpId, verdict: Verdict) -> VerdictNotice: ...
    @property
    def id(self) -> OtpId:
        """Which code."""
    @property
    def verdict(self) -> Verdict:
        """The outcome."""

@final
class Channel:
    """Sends and receives OTP messages over one connection, which it then has to itself.

    Each message is bound to the connection, to both sides' identities and to its direction. It receives
    envelopes that show a transaction; with ``accept_free_text=True`` also those with a text of the bank's
    own.
    """

    def __new__(cls, connection: Connection, *, accept_free_text: bool = False) -> Channel: ...
    def send(self, message: Envelope | Answer | VerdictNotice) -> None:
        """Seals a message; it is then pending on the connection."""
    def expect(self, id: OtpId, expires_at: _Moment, *, now: _Moment | None = None) -> None:
        """Takes answers about a code that has gone to this connection's customer by another way, by mail
        or over an earlier connection: without it only the codes of envelopes that were sent here may be
        answered.
        """
    def receive(self, *, now: _Moment | None = None) -> Envelope | Answer | VerdictNotice | None:
        """The next whole message of those that the connection has decrypted, or ``None``."""
    def approve(
        self,
        envelope: Envelope,
        code: Code | _Material | None = None,
        *,
        identity: Identity | None = None,
        now: _Moment | None = None,
    ) -> Receipt:
        """Returns a code, by default that of ``envelope``, with a signed receipt: the customer approves
        what ``envelope`` asks. ``identity`` as in ``Receipt.sign``. Returns what was signed.
        """
    def decline(
        self, envelope: Envelope, *, identity: Identity | None = None, now: _Moment | None = None
    ) -> Receipt:
        """Declines what ``envelope`` asks, with a signed receipt and without a code; as ``approve``."""
    @property
    def connection(self) -> Connection:
        """The connection that the messages go over."""

@final
class EstClient:
    """The client's half of one request: send ``request``, feed what comes back."""

    @staticmethod
    def cacerts(host: str) -> EstClient:
        """Asks the server ``host`` for the authority's certificates."""
    @staticmethod
    def simpleenroll(
        host: str, profile: str, request: CertificateRequest, *, token: _Material | None = None
    ) -> EstClient:
        """Asks the server ``host`` for a certificate of a profile, "server" or "client", with an enrolment
        token if it wants one.
        """
    @property
    def request(self) -> bytes:
        """The bytes to send."""
    def feed(self, data: _Bytes) -> list[Certificate] | None:
        """Takes decrypted bytes; returns the certificates once the reply is complete: those of the
        authority, or the one that was issued.
        """
    def feed_end(self) -> list[Certificate] | None:
        """The connection ended with close_notify, which may be what ends the reply: returns it, or raises
        that it is not complete.
        """

@final
class EstServer:
    """The server's half: answers one client's requests.

    A responder for one connection. ``default_profile`` is for requests that name none; certificates are valid
    for ``lifetime``, 90 days by default. ``peer`` is the certificate that the client has authenticated with:
    it may have a new one for another key.

    Server certificates take a token of the register, or a ``peer`` that has one for the same names; with
    ``require_token=True`` so do those of clients. With ``open_to_servers=True`` neither does: only where
    nobody but this machine reaches it. Loopback names then belong to their first key, as others do.
    """

    def __new__(
        cls,
        authority: Authority,
        *,
        default_profile: str = "client",
        lifetime: timedelta | None = None,
        peer: Certificate | None = None,
        require_token: bool = False,
        open_to_servers: bool = False,
    ) -> EstServer: ...
    def feed(self, data: _Bytes, register: Register, *, now: _Moment | None = None) -> bytes:
        """Takes decrypted bytes; returns the responses to the requests that are complete. What was issued
        is in ``register`` then: keep the register before you send.
        """
    @property
    def is_done(self) -> bool:
        """Whether the last response ends the connection."""
    def take_exchanges(self) -> list[Exchange]:
        """What was answered since the last call, oldest first: for the operator's log."""

@final
class Exchange:
    """One request that was answered."""

    @property
    def request(self) -> str:
        """The method and path; empty if the request could not be read."""
    @property
    def status(self) -> int:
        """The HTTP status."""
    @property
    def outcome(self) -> str:
        """Why it was refused, or which certificate was issued."""

@final
class Register:
    """What an authority has issued. A name or address belongs to its first key until revoked."""

    def __new__(cls) -> Register: ...
    @staticmethod
    def from_text(text: str) -> Register:
        """Reads what ``to_text`` wrote."""
    def to_text(self) -> str:
        """The text to keep, a line for each entry."""
    @property
    def entries(self) -> list[RegisterEntry]:
        """All entries, oldest first."""
    def revoke(self, serial: int, *, now: _Moment | None = None) -> bool:
        """Marks a serial number as revoked, for no stated reason; false if there is none."""
    def holders(self, name: str, *, now: _Moment | None = None) -> list[RegisterEntry]:
        """The certificates in force that hold a name, in whatever spelling."""
    def new_token(self, profile: str, names: Sequence[str]) -> str:
        """A new token for one enrolment, to be given to whom it is for: good for a certificate of
        ``profile`` whose names, its common name among them, are all in ``names``. Only its hash is
        kept.
        """
    @property
    def token_count(self) -> int:
        """How many tokens are unused."""
    def __len__(self) -> int: ...

@final
class RegisterEntry:
    """One issued certificate."""

    @property
    def serial(self) -> int:
        """The serial number."""
    @property
    def profile(self) -> str:
        """``"server"``, ``"client"``, ``"both"`` or ``"ca"``."""
    @property
    def names(self) -> tuple[str, ...]:
        """The names that it holds: no other key gets a certificate with one of them."""
    @property
    def common_name(self) -> str:
        """The common name; empty if there is none."""
    @property
    def key_fingerprint(self) -> str:
        """SHA-256 of the public key, in hexadecimal."""
    @property
    def not_after(self) -> datetime:
        """Until when it is valid, in UTC."""
    @property
    def revoked_at(self) -> datetime | None:
        """When it was revoked, if it was."""

@final
class AuditRepair:
    """What a repair of an audit log has found and done."""

    @property
    def reason(self) -> str:
        """What was wrong, as ``verify_audit_log`` says it."""
    @property
    def count(self) -> int:
        """The number of events now, that of the repair included."""
    @property
    def dropped(self) -> int:
        """Octets behind the last good line, which are no longer in the log."""
    @property
    def missing(self) -> int:
        """Lines that the log's head names and that were in it no more."""
    @property
    def old(self) -> Path:
        """The log as it was found."""

def repair_audit_log(path: _Path, key: _Material, *, now: _Moment | None = None) -> AuditRepair | None:
    """Makes an audit log that can be opened of one that is refused: the lines up to the first that is not
    as it was written stay, and an event says what was dropped. The log as it was found is kept beside
    it. ``None`` for one in which nothing is wrong.
    """

def verify_audit_log(path: _Path, key: _Material) -> tuple[int, bytes]:
    """Checks a whole audit log: returns the number of events and the end of the chain, which shows later,
    kept elsewhere, whether the log was put back to an older state.
    """
