//! The numbers of errors and of code points, generated from the tables of the library: `make header`.

/// Success.
pub const OTLS_OK: i32 = 0;

/// The call was wrong; nothing was changed.
pub const OTLS_ERROR_API_MISUSE: i32 = 1;
/// A buffer of the caller is too small; nothing was written.
pub const OTLS_ERROR_BUFFER_TOO_SMALL: i32 = 2;
/// A pointer that must not be NULL was.
pub const OTLS_ERROR_NULL_POINTER: i32 = 3;
/// A handle that saw a panic earlier; free it.
pub const OTLS_ERROR_POISONED: i32 = 4;
/// A bug in this library.
pub const OTLS_ERROR_INTERNAL: i32 = 5;
/// The random source failed.
pub const OTLS_ERROR_RANDOM: i32 = 6;
/// The peer's bytes do not decode.
pub const OTLS_ERROR_INVALID_MESSAGE: i32 = 20;
/// The peer broke the protocol.
pub const OTLS_ERROR_PEER_MISBEHAVED: i32 = 21;
/// Nothing in common with the peer.
pub const OTLS_ERROR_PEER_INCOMPATIBLE: i32 = 22;
/// The peer sent an alert.
pub const OTLS_ERROR_ALERT_RECEIVED: i32 = 23;
/// Something does not authenticate.
pub const OTLS_ERROR_DECRYPT_FAILED: i32 = 24;
/// The transport ended without close_notify.
pub const OTLS_ERROR_TRUNCATED: i32 = 25;
/// We gave the handshake up.
pub const OTLS_ERROR_REJECTED: i32 = 26;
/// The certificate's data or signature is bad.
pub const OTLS_ERROR_CERTIFICATE_BAD: i32 = 40;
/// The issuer is not trusted.
pub const OTLS_ERROR_CERTIFICATE_UNTRUSTED: i32 = 41;
/// The certificate has expired.
pub const OTLS_ERROR_CERTIFICATE_EXPIRED: i32 = 42;
/// The certificate is not valid yet.
pub const OTLS_ERROR_CERTIFICATE_NOT_YET_VALID: i32 = 43;
/// The certificate is not for this name.
pub const OTLS_ERROR_CERTIFICATE_WRONG_NAME: i32 = 44;
/// The certificate is not for this use.
pub const OTLS_ERROR_CERTIFICATE_WRONG_USAGE: i32 = 45;
/// A CA's certificate where a leaf must be, or the reverse.
pub const OTLS_ERROR_CERTIFICATE_WRONG_ROLE: i32 = 46;
/// The certificate was revoked, or its status cannot be told.
pub const OTLS_ERROR_CERTIFICATE_REVOKED: i32 = 47;
/// A certificate is required and none was sent.
pub const OTLS_ERROR_CERTIFICATE_REQUIRED: i32 = 48;
/// A certificate, request or CRL file does not load.
pub const OTLS_ERROR_CERTIFICATE_MALFORMED: i32 = 49;
/// A request's signature is wrong: no proof of possession.
pub const OTLS_ERROR_REQUEST_BAD_SIGNATURE: i32 = 50;
/// A name is not acceptable.
pub const OTLS_ERROR_BAD_NAME: i32 = 51;
/// Another key holds the name.
pub const OTLS_ERROR_NAME_TAKEN: i32 = 52;
/// The authority refuses.
pub const OTLS_ERROR_AUTHORITY_REFUSED: i32 = 53;
/// A request is signed with an algorithm that is not accepted.
pub const OTLS_ERROR_UNSUPPORTED_SIGNATURE: i32 = 54;
/// Wrong password.
pub const OTLS_ERROR_KEY_WRONG_PASSWORD: i32 = 60;
/// The key needs a password.
pub const OTLS_ERROR_KEY_PASSWORD_REQUIRED: i32 = 61;
/// The key is not encrypted.
pub const OTLS_ERROR_KEY_PASSWORD_NOT_NEEDED: i32 = 62;
/// Unknown encryption of a key.
pub const OTLS_ERROR_KEY_UNSUPPORTED_ENCRYPTION: i32 = 63;
/// Damaged key.
pub const OTLS_ERROR_KEY_MALFORMED: i32 = 64;
/// Something else where a key should be.
pub const OTLS_ERROR_KEY_NOT_FOUND: i32 = 65;
/// Unsupported algorithm or curve.
pub const OTLS_ERROR_KEY_UNSUPPORTED_ALGORITHM: i32 = 66;
/// RSA size out of bounds.
pub const OTLS_ERROR_KEY_SIZE: i32 = 67;
/// Not a valid key.
pub const OTLS_ERROR_KEY_INVALID: i32 = 68;
/// Key and certificate do not match.
pub const OTLS_ERROR_KEY_MISMATCH: i32 = 69;
/// A signature does not verify.
pub const OTLS_ERROR_BAD_SIGNATURE: i32 = 70;
/// The scheme does not fit the key.
pub const OTLS_ERROR_WRONG_SCHEME: i32 = 71;
/// A key in a format that is not read.
pub const OTLS_ERROR_KEY_UNSUPPORTED_FORMAT: i32 = 72;
/// Damaged OTP message.
pub const OTLS_ERROR_OTP_MALFORMED: i32 = 100;
/// OTP message for another connection, peer or direction.
pub const OTLS_ERROR_OTP_WRONG_BINDING: i32 = 101;
/// OTP message a second time.
pub const OTLS_ERROR_OTP_REPLAYED: i32 = 102;
/// OTP past its time.
pub const OTLS_ERROR_OTP_EXPIRED: i32 = 103;
/// The OTP store failed.
pub const OTLS_ERROR_OTP_STORE: i32 = 104;
/// A signed receipt that does not prove what it should.
pub const OTLS_ERROR_OTP_RECEIPT: i32 = 105;
/// Too many codes for one subject.
pub const OTLS_ERROR_OTP_THROTTLED: i32 = 106;
/// The audit log cannot be written, or was changed.
pub const OTLS_ERROR_OTP_AUDIT: i32 = 107;
/// The subject is locked.
pub const OTLS_ERROR_OTP_SUBJECT_LOCKED: i32 = 108;
/// An amount, a currency, a template or a value that is not acceptable.
pub const OTLS_ERROR_OTP_TRANSACTION: i32 = 109;
/// A shared secret that cannot be used.
pub const OTLS_ERROR_OTP_SECRET: i32 = 110;
/// A malformed `otpauth` URI.
pub const OTLS_ERROR_OTP_URI: i32 = 111;
/// A malformed OCRA suite, or inputs that do not fit it.
pub const OTLS_ERROR_OTP_SUITE: i32 = 112;
/// A code that is not open any more cannot be sent again.
pub const OTLS_ERROR_OTP_NOT_OPEN: i32 = 113;
/// An envelope with a free text, which the receiver has not asked for.
pub const OTLS_ERROR_OTP_FREE_TEXT: i32 = 114;
/// What was typed cannot be a code from a shared secret, and was not judged.
pub const OTLS_ERROR_OTP_NOT_A_CODE: i32 = 115;
/// Malformed HTTP.
pub const OTLS_ERROR_ENROLMENT_HTTP: i32 = 120;
/// The enrolment server refused.
pub const OTLS_ERROR_ENROLMENT_STATUS: i32 = 121;
/// The enrolment answer is malformed.
pub const OTLS_ERROR_ENROLMENT_MALFORMED: i32 = 122;
/// The authority's fingerprint is another.
pub const OTLS_ERROR_ENROLMENT_FINGERPRINT: i32 = 123;
/// A CMS message is damaged or breaks a rule.
pub const OTLS_ERROR_CMS_MALFORMED: i32 = 130;
/// A CMS message has an algorithm or structure that is not supported.
pub const OTLS_ERROR_CMS_UNSUPPORTED: i32 = 131;
/// A CMS message is for other recipients.
pub const OTLS_ERROR_CMS_NOT_RECIPIENT: i32 = 132;

/// Cipher suite TLS_AES_128_GCM_SHA256, 0x1301 (RFC 8446 appendix B.4).
pub const OTLS_SUITE_AES_128_GCM_SHA256: u16 = 0x1301;
/// Cipher suite TLS_AES_256_GCM_SHA384, 0x1302 (RFC 8446 appendix B.4).
pub const OTLS_SUITE_AES_256_GCM_SHA384: u16 = 0x1302;
/// Cipher suite TLS_CHACHA20_POLY1305_SHA256, 0x1303 (RFC 8446 appendix B.4).
pub const OTLS_SUITE_CHACHA20_POLY1305_SHA256: u16 = 0x1303;
/// Cipher suite OTLS_CHACHA20_POLY1305_SHA384, 0xFF03 (private use).
pub const OTLS_SUITE_CHACHA20_POLY1305_SHA384: u16 = 0xFF03;
/// Cipher suite OTLS_AES_128_CBC_HMAC_SHA256, 0xFF01 (private use).
pub const OTLS_SUITE_AES_128_CBC_HMAC_SHA256: u16 = 0xFF01;
/// Cipher suite OTLS_AES_256_CBC_HMAC_SHA384, 0xFF02 (private use).
pub const OTLS_SUITE_AES_256_CBC_HMAC_SHA384: u16 = 0xFF02;
/// Key-exchange group X25519MLKEM768, 0x11EC (RFC 8446 section 4.2.7).
pub const OTLS_GROUP_X25519MLKEM768: u16 = 0x11EC;
/// Key-exchange group x25519, 0x001D (RFC 8446 section 4.2.7).
pub const OTLS_GROUP_X25519: u16 = 0x001D;
/// Key-exchange group secp256r1, 0x0017 (RFC 8446 section 4.2.7).
pub const OTLS_GROUP_SECP256R1: u16 = 0x0017;
/// Key-exchange group secp384r1, 0x0018 (RFC 8446 section 4.2.7).
pub const OTLS_GROUP_SECP384R1: u16 = 0x0018;
/// Signature scheme ecdsa_secp256r1_sha256, 0x0403 (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_ECDSA_SECP256R1_SHA256: u16 = 0x0403;
/// Signature scheme ecdsa_secp384r1_sha384, 0x0503 (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_ECDSA_SECP384R1_SHA384: u16 = 0x0503;
/// Signature scheme rsa_pss_rsae_sha256, 0x0804 (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_RSA_PSS_RSAE_SHA256: u16 = 0x0804;
/// Signature scheme rsa_pss_rsae_sha384, 0x0805 (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_RSA_PSS_RSAE_SHA384: u16 = 0x0805;
/// Signature scheme ed25519, 0x0807 (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_ED25519: u16 = 0x0807;
/// Signature scheme rsa_pkcs1_sha256, 0x0401, in certificates alone (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_RSA_PKCS1_SHA256: u16 = 0x0401;
/// Signature scheme rsa_pkcs1_sha384, 0x0501, in certificates alone (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_RSA_PKCS1_SHA384: u16 = 0x0501;
/// Signature scheme rsa_pkcs1_sha512, 0x0601, in certificates alone (RFC 8446 section 4.2.3).
pub const OTLS_SCHEME_RSA_PKCS1_SHA512: u16 = 0x0601;
