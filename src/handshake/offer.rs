//! What the other side says before it is chosen: by a server its configuration, by a client its certificate.

use crate::codepoints::{CipherSuite, NamedGroup, SignatureScheme};
use crate::error::InvalidMessage;
use crate::wire::{CertificateRequestExtensions, CertificateRequestMessage, ClientHello, Codec, Reader};
use crate::wire::{Prefix, list, opaque, vector};

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

impl Offer {
    /// What a connection keeps of it: each list with its length, as in the extensions that it comes from.
    pub(super) fn encode(hello: &ClientHello) -> Box<[u8]> {
        let extensions = &hello.extensions;
        let groups = extensions.supported_groups.as_deref().unwrap_or_default();
        let schemes = extensions.signature_algorithms.as_deref().unwrap_or_default();
        let name = extensions.server_name.as_deref().unwrap_or_default();
        let protocols = extensions.alpn.as_deref().unwrap_or_default();
        let numbers = hello.cipher_suites.len() + groups.len() + schemes.len();
        let octets = protocols.iter().fold(name.len(), |sum, protocol| sum + 1 + protocol.len());
        // Room for all of it, so that nothing has to grow or shrink.
        let mut out = Vec::with_capacity(5 * 2 + 2 * numbers + octets);
        list(Prefix::Two, &hello.cipher_suites, &mut out);
        list(Prefix::Two, groups, &mut out);
        list(Prefix::Two, schemes, &mut out);
        opaque(Prefix::Two, name.as_bytes(), &mut out);
        vector(Prefix::Two, &mut out, |out| {
            protocols.iter().for_each(|protocol| opaque(Prefix::One, protocol, out));
        });
        out.into_boxed_slice()
    }

    /// Reads what [`Offer::encode`] has made.
    pub(crate) fn read(kept: &[u8]) -> Option<Self> {
        let mut reader = Reader::new("an offer", kept);
        let (suites, groups, schemes) =
            (numbers(&mut reader).ok()?, numbers(&mut reader).ok()?, numbers(&mut reader).ok()?);
        let name = reader.opaque(Prefix::Two, 0).ok()?;
        let mut protocols = reader.nested(Prefix::Two).ok()?;
        let mut alpn = Vec::new();
        while !protocols.is_empty() {
            alpn.push(protocols.opaque(Prefix::One, 0).ok()?.to_vec());
        }
        // RFC 6066 §3: a name has at least one octet.
        let server_name = if name.is_empty() { None } else { Some(String::from_utf8(name.to_vec()).ok()?) };
        Some(Self { suites, groups, schemes, server_name, alpn })
    }
}

/// A list that may be empty.
fn numbers<T: Codec>(reader: &mut Reader<'_>) -> Result<Vec<T>, InvalidMessage> {
    let mut inner = reader.nested(Prefix::Two)?;
    let mut numbers = Vec::new();
    while !inner.is_empty() {
        numbers.push(T::decode(&mut inner)?);
    }
    Ok(numbers)
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

impl RequestedCertificate {
    /// `None` without signature_algorithms, which RFC 8446 §4.3.2 demands.
    pub(super) fn of(extensions: CertificateRequestExtensions) -> Option<Self> {
        Some(Self {
            schemes: extensions.signature_algorithms?,
            certificate_schemes: extensions.signature_algorithms_cert,
            authorities: extensions.certificate_authorities.unwrap_or_default(),
        })
    }

    /// From the body of a CertificateRequest that was taken before.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        Self::of(CertificateRequestMessage::decode_all("CertificateRequest", message).ok()?.extensions)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::codepoints::ProtocolVersion;
    use crate::wire::{ClientExtensions, SessionId};

    #[test]
    fn an_offer_comes_back_from_what_is_kept_of_it() {
        let hello = |extensions| ClientHello {
            legacy_version: ProtocolVersion::TLS1_2,
            random: [7; 32],
            legacy_session_id: SessionId::default(),
            cipher_suites: vec![CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite(0x0A0A)],
            legacy_compression_methods: vec![0],
            extensions,
        };
        let full = ClientExtensions {
            supported_groups: Some(vec![NamedGroup::X25519]),
            signature_algorithms: Some(vec![SignatureScheme::ED25519, SignatureScheme(0x0807)]),
            server_name: Some("bank.example".to_owned()),
            alpn: Some(vec![b"otp/1".to_vec(), b"otp/2".to_vec()]),
            ..ClientExtensions::default()
        };
        let kept = Offer::encode(&hello(full));
        let offer = Offer::read(&kept).unwrap();
        assert_eq!(offer.suites, [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite(0x0A0A)]);
        assert_eq!(offer.groups, [NamedGroup::X25519]);
        assert_eq!(offer.schemes, [SignatureScheme::ED25519, SignatureScheme(0x0807)]);
        assert_eq!(offer.server_name.as_deref(), Some("bank.example"));
        assert_eq!(offer.alpn, [b"otp/1", b"otp/2"]);
        let bare = Offer::read(&Offer::encode(&hello(ClientExtensions::default()))).unwrap();
        assert_eq!((bare.groups, bare.schemes, bare.server_name, bare.alpn), (vec![], vec![], None, vec![]));
        assert!(Offer::read(&kept[..kept.len() - 1]).is_none());
    }
}
