"""The exceptions: one tree over the stable numbers that Rust, C and Python share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from ._findings import Finding


class Error(Exception):
    """Everything that goes wrong in this library; ``str(error)`` says what, ``hint`` what to do."""

    #: The stable number of the error.
    code: int
    #: Its name, for example ``"DECRYPT_FAILED"``.
    code_name: str
    hint: str
    #: The TLS alert that the peer sent or gets, for example ``"unknown_ca"``; none for errors of our own.
    alert: str | None
    #: The checks that a certificate failed; empty for other errors.
    report: tuple[Finding, ...]

    #: The number that instances have unless told otherwise.
    default_code: ClassVar[tuple[int, str]] = (5, "INTERNAL")

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        code_name: str | None = None,
        hint: str = "",
        alert: str | None = None,
        report: Sequence[Finding] = (),
    ) -> None:
        super().__init__(message)
        self.code = self.default_code[0] if code is None else code
        self.code_name = self.default_code[1] if code_name is None else code_name
        self.hint = hint
        if hint:
            # Shown below the message in a traceback.
            self.add_note(hint)
        self.alert = alert
        self.report = tuple(report)

    def __reduce__(self) -> tuple[object, ...]:
        return (
            _restore,
            (type(self), str(self), self.code, self.code_name, self.hint, self.alert, self.report),
        )


def _restore(
    kind: type[Error],
    message: str,
    code: int,
    code_name: str,
    hint: str,
    alert: str | None,
    report: tuple[Finding, ...],
) -> Error:
    return kind(message, code=code, code_name=code_name, hint=hint, alert=alert, report=report)


class ApiMisuse(Error, ValueError):
    """The call was wrong; nothing was changed."""

    default_code = (1, "API_MISUSE")


class InternalError(Error):
    """A bug in this library; please report it."""

    default_code = (5, "INTERNAL")


class RandomError(Error):
    """The random source failed; nothing may be generated."""

    default_code = (6, "RANDOM")


class ProtocolError(Error):
    """The connection failed for something other than a certificate."""


class InvalidMessage(ProtocolError):
    """The peer's bytes do not decode."""

    default_code = (20, "INVALID_MESSAGE")


class PeerMisbehaved(ProtocolError):
    """The peer sent a well-formed message that breaks the protocol."""

    default_code = (21, "PEER_MISBEHAVED")


class PeerIncompatible(ProtocolError):
    """Nothing that both sides accept."""

    default_code = (22, "PEER_INCOMPATIBLE")


class AlertReceived(ProtocolError):
    """The peer ended the connection and said why: see ``alert``."""

    default_code = (23, "ALERT_RECEIVED")


class DecryptError(ProtocolError):
    """Data does not authenticate: altered, repeated, reordered or made with other keys."""

    default_code = (24, "DECRYPT_FAILED")


class TruncatedError(ProtocolError):
    """The connection ended without close_notify: data may be missing."""

    default_code = (25, "TRUNCATED")


class Rejected(ProtocolError):
    """We gave the handshake up, with the alert in ``alert``.

    Raised in ``configure`` or ``provide_identity`` it does so: ``raise otls.Rejected("no such name here",
    alert="unrecognized_name")``; without an alert the peer gets handshake_failure.
    """

    default_code = (26, "REJECTED")


class CertificateError(Error):
    """A certificate, request or revocation list was refused or does not load."""


class CertificateBad(CertificateError):
    """The certificate's data or signature is bad."""

    default_code = (40, "CERTIFICATE_BAD")


class CertificateUntrusted(CertificateError):
    """The issuer is not trusted."""

    default_code = (41, "CERTIFICATE_UNTRUSTED")


class CertificateExpired(CertificateError):
    """The certificate has expired."""

    default_code = (42, "CERTIFICATE_EXPIRED")


class CertificateNotYetValid(CertificateError):
    """The certificate is not valid yet."""

    default_code = (43, "CERTIFICATE_NOT_YET_VALID")


class CertificateWrongName(CertificateError):
    """The certificate is not for this name."""

    default_code = (44, "CERTIFICATE_WRONG_NAME")


class CertificateWrongUsage(CertificateError):
    """The certificate is not for this use."""

    default_code = (45, "CERTIFICATE_WRONG_USAGE")


class CertificateWrongRole(CertificateError):
    """A CA's certificate where a leaf must be, or the reverse."""

    default_code = (46, "CERTIFICATE_WRONG_ROLE")


class CertificateRevoked(CertificateError):
    """The certificate was revoked, or its status cannot be told."""

    default_code = (47, "CERTIFICATE_REVOKED")


class CertificateRequired(CertificateError):
    """A certificate is required and none was sent."""

    default_code = (48, "CERTIFICATE_REQUIRED")


class CertificateMalformed(CertificateError):
    """A certificate, request or revocation list does not load."""

    default_code = (49, "CERTIFICATE_MALFORMED")


class RequestBadSignature(CertificateError):
    """A request's signature is wrong: no proof that its sender has the key."""

    default_code = (50, "REQUEST_BAD_SIGNATURE")


class UnsupportedSignature(CertificateError):
    """A request is signed with an algorithm that is not accepted; the text names it."""

    default_code = (54, "UNSUPPORTED_SIGNATURE")


class BadName(CertificateError, ValueError):
    """A name is not acceptable."""

    default_code = (51, "BAD_NAME")


class NameTaken(CertificateError):
    """Another key holds the name until its certificate is revoked."""

    default_code = (52, "NAME_TAKEN")


class AuthorityRefused(CertificateError):
    """The authority cannot do this."""

    default_code = (53, "AUTHORITY_REFUSED")


class KeyMaterialError(Error):
    """A private or public key cannot be loaded or used."""


class KeyWrongPassword(KeyMaterialError):
    """The password does not open the key."""

    default_code = (60, "KEY_WRONG_PASSWORD")


class KeyPasswordRequired(KeyMaterialError):
    """The key is encrypted and no password was given."""

    default_code = (61, "KEY_PASSWORD_REQUIRED")


class KeyPasswordNotNeeded(KeyMaterialError):
    """A password was given for a key that is not encrypted."""

    default_code = (62, "KEY_PASSWORD_NOT_NEEDED")


class KeyUnsupportedEncryption(KeyMaterialError):
    """The key is encrypted with something that is not supported."""

    default_code = (63, "KEY_UNSUPPORTED_ENCRYPTION")


class KeyMalformed(KeyMaterialError):
    """The key's data is damaged."""

    default_code = (64, "KEY_MALFORMED")


class KeyNotFound(KeyMaterialError):
    """There is something else where a key should be."""

    default_code = (65, "KEY_NOT_FOUND")


class KeyUnsupportedAlgorithm(KeyMaterialError):
    """The key's algorithm or curve is not supported."""

    default_code = (66, "KEY_UNSUPPORTED_ALGORITHM")


class KeySizeError(KeyMaterialError):
    """An RSA key of a size that is not accepted."""

    default_code = (67, "KEY_SIZE")


class KeyInvalid(KeyMaterialError):
    """The key's numbers are not a valid key."""

    default_code = (68, "KEY_INVALID")


class KeyMismatch(KeyMaterialError):
    """The private key does not belong to the certificate."""

    default_code = (69, "KEY_MISMATCH")


class BadSignature(KeyMaterialError):
    """A signature does not verify."""

    default_code = (70, "BAD_SIGNATURE")


class WrongScheme(KeyMaterialError):
    """The signature scheme does not fit the key."""

    default_code = (71, "WRONG_SCHEME")


class KeyUnsupportedFormat(KeyMaterialError):
    """The key is in a format that is not read."""

    default_code = (72, "KEY_UNSUPPORTED_FORMAT")


class OtpError(Error):
    """A one-time password or its message was refused."""


class OtpMalformed(OtpError):
    """The message is damaged, of an unknown version, or has unknown fields."""

    default_code = (100, "OTP_MALFORMED")


class OtpWrongBinding(OtpError):
    """The message was made for another connection, peer or direction."""

    default_code = (101, "OTP_WRONG_BINDING")


class OtpReplayed(OtpError):
    """The same message a second time."""

    default_code = (102, "OTP_REPLAYED")


class OtpExpired(OtpError):
    """The message's or code's time is over."""

    default_code = (103, "OTP_EXPIRED")


class OtpStoreError(OtpError):
    """The store failed; nothing was accepted."""

    default_code = (104, "OTP_STORE")


class OtpThrottled(OtpError):
    """The subject has had as many codes as it may in this window."""

    default_code = (106, "OTP_THROTTLED")


class OtpAuditError(OtpError):
    """The audit log cannot be written, or is not as it was written."""

    default_code = (107, "OTP_AUDIT")


class OtpSubjectLocked(OtpError):
    """The subject is locked."""

    default_code = (108, "OTP_SUBJECT_LOCKED")


class OtpNotOpen(OtpError):
    """A code that is not open any more cannot be sent again."""

    default_code = (113, "OTP_NOT_OPEN")


class OtpSecretError(OtpError, ValueError):
    """A shared secret of HOTP, TOTP or OCRA that cannot be used, or is too short."""

    default_code = (110, "OTP_SECRET")


class OtpUriError(OtpError, ValueError):
    """An ``otpauth`` URI that is malformed or asks for what is not supported."""

    default_code = (111, "OTP_URI")


class OtpSuiteError(OtpError, ValueError):
    """An OCRA suite that is malformed or not supported, or inputs that do not fit it."""

    default_code = (112, "OTP_SUITE")


class OtpReceiptError(OtpError):
    """A signed receipt is malformed, for another code, transaction or connection, or not genuine."""

    default_code = (105, "OTP_RECEIPT")


class OtpTransactionError(OtpError, ValueError):
    """An amount, a currency, a template or a value is not acceptable."""

    default_code = (109, "OTP_TRANSACTION")


class OtpFreeText(OtpError):
    """An envelope shows free text and no transaction, and the receiver has not asked for such."""

    default_code = (114, "OTP_FREE_TEXT")


class OtpNotACode(OtpError, ValueError):
    """What was typed cannot be a code of HOTP, TOTP or OCRA; it was not judged, and is no attempt."""

    default_code = (115, "OTP_NOT_A_CODE")


class EnrolmentError(Error):
    """Enrolment failed."""


class EnrolmentHttpError(EnrolmentError):
    """The peer's HTTP is malformed or too large."""

    default_code = (120, "ENROLMENT_HTTP")


class EnrolmentRefused(EnrolmentError):
    """The enrolment server answered with an error status."""

    default_code = (121, "ENROLMENT_STATUS")


class EnrolmentMalformed(EnrolmentError):
    """The enrolment answer is not what RFC 7030 asks for."""

    default_code = (122, "ENROLMENT_MALFORMED")


class EnrolmentFingerprintMismatch(EnrolmentError):
    """The authority's certificate does not have the expected fingerprint."""

    default_code = (123, "ENROLMENT_FINGERPRINT")


class CmsError(Error):
    """A CMS message is not read."""


class CmsMalformed(CmsError):
    """The message is damaged, not DER, or breaks a rule of RFC 5652."""

    default_code = (130, "CMS_MALFORMED")


class CmsUnsupported(CmsError):
    """The message has an algorithm or structure that is not supported."""

    default_code = (131, "CMS_UNSUPPORTED")


class CmsNotRecipient(CmsError):
    """The message is for other recipients."""

    default_code = (132, "CMS_NOT_RECIPIENT")


def _tree(kind: type[Error]) -> dict[int, type[Error]]:
    classes: dict[int, type[Error]] = {}
    for subclass in kind.__subclasses__():
        if "default_code" in vars(subclass):
            classes[subclass.default_code[0]] = subclass
        classes.update(_tree(subclass))
    return classes


_CLASSES = _tree(Error)


def exception_for(
    code: int,
    code_name: str,
    message: str,
    hint: str,
    alert: str | None,
    findings: Sequence[tuple[int, int, str, str, str, str]],
) -> Error:
    """The exception for an error of the core."""
    kind = _CLASSES.get(code, Error)
    return kind(message, code=code, code_name=code_name, hint=hint, alert=alert, report=_report(findings))


def _report(findings: Sequence[tuple[int, int, str, str, str, str]]) -> list[Finding]:
    if not findings:
        return []
    # Not before there is one: `dataclasses` takes longer to import than all of this.
    from ._findings import Finding

    return [Finding(*finding) for finding in findings]
