//! Extensions, one struct per message that carries them (RFC 8446 §4.2).
//!
//! Each struct has `types`: the extension types in the order in which they were decoded, known or
//! not, so that the handshake can refuse what was not offered. Encoding ignores `types`.

use crate::codepoints::{ExtensionType, NamedGroup, ProtocolVersion, PskKeyExchangeMode, SignatureScheme};

/// KeyShareEntry (RFC 8446 §4.2.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyShareEntry {
    pub(crate) group: NamedGroup,
    pub(crate) key_exchange: Vec<u8>,
}

/// PskIdentity (RFC 8446 §4.2.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PskIdentity {
    pub(crate) identity: Vec<u8>,
    pub(crate) obfuscated_ticket_age: u32,
}

/// OfferedPsks (RFC 8446 §4.2.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfferedPsks {
    pub(crate) identities: Vec<PskIdentity>,
    pub(crate) binders: Vec<Vec<u8>>,
}

/// Extensions of a ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientExtensions {
    /// host_name (RFC 6066 §3).
    pub(crate) server_name: Option<String>,
    pub(crate) supported_groups: Option<Vec<NamedGroup>>,
    pub(crate) signature_algorithms: Option<Vec<SignatureScheme>>,
    pub(crate) signature_algorithms_cert: Option<Vec<SignatureScheme>>,
    /// ProtocolNameList (RFC 7301 §3.1).
    pub(crate) alpn: Option<Vec<Vec<u8>>>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) supported_versions: Option<Vec<ProtocolVersion>>,
    pub(crate) cookie: Option<Vec<u8>>,
    pub(crate) psk_key_exchange_modes: Option<Vec<PskKeyExchangeMode>>,
    pub(crate) certificate_authorities: Option<Vec<Vec<u8>>>,
    pub(crate) post_handshake_auth: bool,
    pub(crate) early_data: bool,
    pub(crate) key_share: Option<Vec<KeyShareEntry>>,
    /// Always last on the wire (RFC 8446 §4.2.11); decoding refuses it elsewhere.
    pub(crate) pre_shared_key: Option<OfferedPsks>,
    pub(crate) types: Vec<ExtensionType>,
}

/// Extensions of a ServerHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerExtensions {
    pub(crate) supported_versions: Option<ProtocolVersion>,
    pub(crate) key_share: Option<KeyShareEntry>,
    /// selected_identity.
    pub(crate) pre_shared_key: Option<u16>,
    pub(crate) types: Vec<ExtensionType>,
}

/// Extensions of a HelloRetryRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HelloRetryExtensions {
    pub(crate) supported_versions: Option<ProtocolVersion>,
    /// selected_group.
    pub(crate) key_share: Option<NamedGroup>,
    pub(crate) cookie: Option<Vec<u8>>,
    pub(crate) types: Vec<ExtensionType>,
}

/// Extensions of EncryptedExtensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncryptedExtensionsBody {
    pub(crate) server_name: bool,
    pub(crate) supported_groups: Option<Vec<NamedGroup>>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) early_data: bool,
    pub(crate) types: Vec<ExtensionType>,
}

/// Extensions of a CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateRequestExtensions {
    pub(crate) signature_algorithms: Option<Vec<SignatureScheme>>,
    pub(crate) signature_algorithms_cert: Option<Vec<SignatureScheme>>,
    pub(crate) certificate_authorities: Option<Vec<Vec<u8>>>,
    pub(crate) types: Vec<ExtensionType>,
}
