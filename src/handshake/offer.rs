//! What the other side says before it is chosen: by a server its configuration, by a client its certificate.

use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};

/// What a client offers, for the server to choose its configuration by; values that this library
/// does not know are in the lists too.
///
/// ```
/// use otls::{Offer, codepoints::NamedGroup};
///
/// /// Whether a client may be given the configuration that is safe against quantum computers.
/// fn is_hybrid(offer: &Offer) -> bool {
///     offer.groups.contains(&NamedGroup::X25519MLKEM768)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Offer {
    /// Cipher suites, most preferred first.
    pub suites: Vec<CipherSuite>,
    /// Groups, most preferred first.
    pub groups: Vec<NamedGroup>,
    /// Signature schemes of handshakes.
    pub schemes: Vec<SignatureScheme>,
    /// server_name (RFC 6066 §3).
    pub server_name: Option<String>,
    /// ALPN protocols (RFC 7301).
    pub alpn: Vec<Vec<u8>>,
}

/// What a server asks a client's certificate to be.
///
/// ```
/// use otls::{RequestedCertificate, codepoints::SignatureScheme};
///
/// /// Whether the server takes a key on P-256.
/// fn takes_p256(requested: &RequestedCertificate) -> bool {
///     requested.schemes.contains(&SignatureScheme::ECDSA_SECP256R1_SHA256)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestedCertificate {
    /// Signature schemes of handshakes that the server accepts.
    pub schemes: Vec<SignatureScheme>,
    /// Signature schemes that it accepts in certificates, where it tells them apart (RFC 8446 §4.2.3).
    pub certificate_schemes: Option<Vec<SignatureScheme>>,
    /// Subjects (DER) of the authorities that it trusts; empty if it did not say.
    pub authorities: Vec<Vec<u8>>,
}
