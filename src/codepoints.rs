//! The IANA numbers that appear on the wire, as newtypes.
//!
//! A number that a peer sends and we do not know stays representable: refusing it is the decision
//! of the room that reads it, never of the decoder. `Display` prints the registered name, or the
//! number in hexadecimal when there is none.

use core::fmt;

macro_rules! codepoints {
    (
        $(#[$meta:meta])*
        $name:ident($int:ty), $width:literal {
            $( $(#[$item:meta])* $konst:ident = $value:literal => $text:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            $( $(#[$item])* pub const $konst: Self = Self($value); )*

            /// The registered name, or `None` for a number that this library does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $value => Some($text), )*
                    _ => None,
                }
            }

            /// The value whose registered name is `name` (exact spelling).
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $( $text => Some(Self($value)), )*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, concat!("0x{:0", $width, "X}"), self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

codepoints! {
    /// A protocol version (RFC 8446 §4.2.1).
    ProtocolVersion(u16), "4" {
        /// What `legacy_version` always says (RFC 8446 §4.1.2).
        TLS1_2 = 0x0303 => "TLSv1.2",
        /// The first `legacy_record_version` of a client may be this (RFC 8446 §5.1).
        TLS1_0 = 0x0301 => "TLSv1.0",
        /// The only version that this library speaks.
        TLS1_3 = 0x0304 => "TLSv1.3",
    }
}

codepoints! {
    /// A record's content type (RFC 8446 §5.1).
    ContentType(u8), "2" {
        /// `change_cipher_spec`: only the middlebox-compatibility dummy (RFC 8446 §D.4).
        CHANGE_CIPHER_SPEC = 20 => "change_cipher_spec",
        /// `alert` (RFC 8446 §6).
        ALERT = 21 => "alert",
        /// `handshake` (RFC 8446 §4).
        HANDSHAKE = 22 => "handshake",
        /// `application_data` (RFC 8446 §5.2).
        APPLICATION_DATA = 23 => "application_data",
    }
}

codepoints! {
    /// A handshake message's type (RFC 8446 §4).
    HandshakeType(u8), "2" {
        /// RFC 8446 §4.1.2.
        CLIENT_HELLO = 1 => "ClientHello",
        /// RFC 8446 §4.1.3; a HelloRetryRequest too (§4.1.4).
        SERVER_HELLO = 2 => "ServerHello",
        /// RFC 8446 §4.6.1.
        NEW_SESSION_TICKET = 4 => "NewSessionTicket",
        /// RFC 8446 §4.5.
        END_OF_EARLY_DATA = 5 => "EndOfEarlyData",
        /// RFC 8446 §4.3.1.
        ENCRYPTED_EXTENSIONS = 8 => "EncryptedExtensions",
        /// RFC 8446 §4.4.2.
        CERTIFICATE = 11 => "Certificate",
        /// RFC 8446 §4.3.2.
        CERTIFICATE_REQUEST = 13 => "CertificateRequest",
        /// RFC 8446 §4.4.3.
        CERTIFICATE_VERIFY = 15 => "CertificateVerify",
        /// RFC 8446 §4.4.4.
        FINISHED = 20 => "Finished",
        /// RFC 8446 §4.6.3.
        KEY_UPDATE = 24 => "KeyUpdate",
        /// The synthetic message of a transcript with HelloRetryRequest (RFC 8446 §4.4.1).
        MESSAGE_HASH = 254 => "message_hash",
    }
}

codepoints! {
    /// A cipher suite: an AEAD and the hash of the key schedule (RFC 8446 §B.4).
    ///
    /// The three `OTLS_` suites have private-use numbers (RFC 8446 §11) and are specified in
    /// `docs/PROTOCOL.md`.
    CipherSuite(u16), "4" {
        /// RFC 8446 §B.4.
        TLS_AES_128_GCM_SHA256 = 0x1301 => "TLS_AES_128_GCM_SHA256",
        /// RFC 8446 §B.4.
        TLS_AES_256_GCM_SHA384 = 0x1302 => "TLS_AES_256_GCM_SHA384",
        /// RFC 8446 §B.4.
        TLS_CHACHA20_POLY1305_SHA256 = 0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        /// AES-128-CBC with HMAC-SHA-256, private use.
        OTLS_AES_128_CBC_HMAC_SHA256 = 0xFF01 => "OTLS_AES_128_CBC_HMAC_SHA256",
        /// AES-256-CBC with HMAC-SHA-384, private use.
        OTLS_AES_256_CBC_HMAC_SHA384 = 0xFF02 => "OTLS_AES_256_CBC_HMAC_SHA384",
        /// ChaCha20-Poly1305 with a SHA-384 key schedule, private use.
        OTLS_CHACHA20_POLY1305_SHA384 = 0xFF03 => "OTLS_CHACHA20_POLY1305_SHA384",
    }
}

codepoints! {
    /// A key-exchange group (RFC 8446 §4.2.7).
    NamedGroup(u16), "4" {
        /// P-256.
        SECP256R1 = 0x0017 => "secp256r1",
        /// P-384.
        SECP384R1 = 0x0018 => "secp384r1",
        /// RFC 7748.
        X25519 = 0x001D => "x25519",
        /// Hybrid of ML-KEM-768 and X25519 (draft-ietf-tls-ecdhe-mlkem).
        X25519MLKEM768 = 0x11EC => "X25519MLKEM768",
    }
}

codepoints! {
    /// A signature scheme (RFC 8446 §4.2.3).
    SignatureScheme(u16), "4" {
        /// Certificates only (RFC 8446 §4.2.3).
        RSA_PKCS1_SHA256 = 0x0401 => "rsa_pkcs1_sha256",
        /// Certificates only.
        RSA_PKCS1_SHA384 = 0x0501 => "rsa_pkcs1_sha384",
        /// Certificates only.
        RSA_PKCS1_SHA512 = 0x0601 => "rsa_pkcs1_sha512",
        /// ECDSA on P-256.
        ECDSA_SECP256R1_SHA256 = 0x0403 => "ecdsa_secp256r1_sha256",
        /// ECDSA on P-384.
        ECDSA_SECP384R1_SHA384 = 0x0503 => "ecdsa_secp384r1_sha384",
        /// Certificates only.
        ECDSA_SECP521R1_SHA512 = 0x0603 => "ecdsa_secp521r1_sha512",
        /// RSASSA-PSS with a key of type rsaEncryption.
        RSA_PSS_RSAE_SHA256 = 0x0804 => "rsa_pss_rsae_sha256",
        /// RSASSA-PSS with a key of type rsaEncryption.
        RSA_PSS_RSAE_SHA384 = 0x0805 => "rsa_pss_rsae_sha384",
        /// Certificates only.
        RSA_PSS_RSAE_SHA512 = 0x0806 => "rsa_pss_rsae_sha512",
        /// Ed25519 (RFC 8032).
        ED25519 = 0x0807 => "ed25519",
    }
}

codepoints! {
    /// An extension's type (RFC 8446 §4.2).
    ExtensionType(u16), "4" {
        /// RFC 6066 §3.
        SERVER_NAME = 0 => "server_name",
        /// RFC 6066 §4.
        MAX_FRAGMENT_LENGTH = 1 => "max_fragment_length",
        /// RFC 6066 §8.
        STATUS_REQUEST = 5 => "status_request",
        /// RFC 8446 §4.2.7.
        SUPPORTED_GROUPS = 10 => "supported_groups",
        /// RFC 8446 §4.2.3.
        SIGNATURE_ALGORITHMS = 13 => "signature_algorithms",
        /// RFC 7301.
        ALPN = 16 => "application_layer_protocol_negotiation",
        /// RFC 6962 §3.3.1.
        SIGNED_CERTIFICATE_TIMESTAMP = 18 => "signed_certificate_timestamp",
        /// RFC 7685.
        PADDING = 21 => "padding",
        /// RFC 8449.
        RECORD_SIZE_LIMIT = 28 => "record_size_limit",
        /// RFC 8446 §4.2.11.
        PRE_SHARED_KEY = 41 => "pre_shared_key",
        /// RFC 8446 §4.2.10.
        EARLY_DATA = 42 => "early_data",
        /// RFC 8446 §4.2.1.
        SUPPORTED_VERSIONS = 43 => "supported_versions",
        /// RFC 8446 §4.2.2.
        COOKIE = 44 => "cookie",
        /// RFC 8446 §4.2.9.
        PSK_KEY_EXCHANGE_MODES = 45 => "psk_key_exchange_modes",
        /// RFC 8446 §4.2.4.
        CERTIFICATE_AUTHORITIES = 47 => "certificate_authorities",
        /// RFC 8446 §4.2.5.
        OID_FILTERS = 48 => "oid_filters",
        /// RFC 8446 §4.2.6.
        POST_HANDSHAKE_AUTH = 49 => "post_handshake_auth",
        /// RFC 8446 §4.2.3.
        SIGNATURE_ALGORITHMS_CERT = 50 => "signature_algorithms_cert",
        /// RFC 8446 §4.2.8.
        KEY_SHARE = 51 => "key_share",
    }
}

codepoints! {
    /// A key-exchange mode of a PSK (RFC 8446 §4.2.9).
    PskKeyExchangeMode(u8), "2" {
        /// PSK only; never used here, it has no forward secrecy.
        PSK_KE = 0 => "psk_ke",
        /// PSK with (EC)DHE.
        PSK_DHE_KE = 1 => "psk_dhe_ke",
    }
}

codepoints! {
    /// An alert's description (RFC 8446 §6).
    AlertDescription(u8), "2" {
        /// The sender will send nothing more (RFC 8446 §6.1).
        CLOSE_NOTIFY = 0 => "close_notify",
        /// A message in the wrong state.
        UNEXPECTED_MESSAGE = 10 => "unexpected_message",
        /// A record that does not authenticate.
        BAD_RECORD_MAC = 20 => "bad_record_mac",
        /// A record that is longer than allowed.
        RECORD_OVERFLOW = 22 => "record_overflow",
        /// No common parameters.
        HANDSHAKE_FAILURE = 40 => "handshake_failure",
        /// A certificate that is corrupt or whose signature is wrong.
        BAD_CERTIFICATE = 42 => "bad_certificate",
        /// A certificate of an unsupported type.
        UNSUPPORTED_CERTIFICATE = 43 => "unsupported_certificate",
        /// A certificate that its issuer revoked.
        CERTIFICATE_REVOKED = 44 => "certificate_revoked",
        /// A certificate that is expired or not yet valid.
        CERTIFICATE_EXPIRED = 45 => "certificate_expired",
        /// Any other reason against a certificate.
        CERTIFICATE_UNKNOWN = 46 => "certificate_unknown",
        /// A field out of range or inconsistent with others.
        ILLEGAL_PARAMETER = 47 => "illegal_parameter",
        /// A certificate of an authority that is not trusted.
        UNKNOWN_CA = 48 => "unknown_ca",
        /// A valid certificate whose holder is not allowed.
        ACCESS_DENIED = 49 => "access_denied",
        /// A message that cannot be decoded.
        DECODE_ERROR = 50 => "decode_error",
        /// A handshake signature or Finished that does not verify.
        DECRYPT_ERROR = 51 => "decrypt_error",
        /// A version that is not supported.
        PROTOCOL_VERSION = 70 => "protocol_version",
        /// Parameters that are less secure than required.
        INSUFFICIENT_SECURITY = 71 => "insufficient_security",
        /// An error that has nothing to do with the peer.
        INTERNAL_ERROR = 80 => "internal_error",
        /// An inappropriate retry (RFC 7507).
        INAPPROPRIATE_FALLBACK = 86 => "inappropriate_fallback",
        /// The user cancelled the handshake.
        USER_CANCELED = 90 => "user_canceled",
        /// A mandatory extension is missing.
        MISSING_EXTENSION = 109 => "missing_extension",
        /// An extension that was not offered.
        UNSUPPORTED_EXTENSION = 110 => "unsupported_extension",
        /// No server of that name.
        UNRECOGNIZED_NAME = 112 => "unrecognized_name",
        /// An OCSP response that is not acceptable.
        BAD_CERTIFICATE_STATUS_RESPONSE = 113 => "bad_certificate_status_response",
        /// A PSK identity that is not known.
        UNKNOWN_PSK_IDENTITY = 115 => "unknown_psk_identity",
        /// A client certificate is required.
        CERTIFICATE_REQUIRED = 116 => "certificate_required",
        /// No common application protocol (RFC 7301).
        NO_APPLICATION_PROTOCOL = 120 => "no_application_protocol",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_number_prints_its_registered_name_and_an_unknown_one_its_value() {
        assert_eq!(CipherSuite(0x1303).to_string(), "TLS_CHACHA20_POLY1305_SHA256");
        assert_eq!(CipherSuite(0x00FF).to_string(), "0x00FF");
        assert_eq!(AlertDescription(7).to_string(), "0x07");
    }

    #[test]
    fn a_registered_name_leads_back_to_its_number() {
        assert_eq!(NamedGroup::from_name("X25519MLKEM768"), Some(NamedGroup(0x11EC)));
        assert_eq!(NamedGroup::from_name("x448"), None);
    }
}
