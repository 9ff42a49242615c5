//! Extensions, one struct per message that carries them (RFC 8446 §4.2).
//!
//! Each struct has `types`: the extension types in the order in which they were decoded, known or
//! not, so that the handshake can refuse what was not offered. Encoding ignores `types`.

mod block;
#[cfg(test)]
mod tests;

use self::block::{Block, Message, decode_block};
pub(super) use self::block::{certificate_entry_types, ticket_early_data};
use super::codec::{NumberSet, Prefix, list, opaque, vector};
use super::{Codec, Reader};
use crate::codepoints::{ExtensionType, NamedGroup, ProtocolVersion, PskKeyExchangeMode, SignatureScheme};
use crate::error::{InvalidMessage, Malformed};

/// The most protocols (RFC 7301) and authorities (RFC 8446 §4.2.4) of a message: RFC 8446 sets no limit, and what
/// takes two octets on the wire takes thirty in memory.
const MAX_LISTED: usize = 4096;
/// RFC 8449 §4: the smallest record_size_limit.
const MIN_RECORD_SIZE_LIMIT: u16 = 64;
/// Octets in the shortest PSK binder (RFC 8446 §4.2.11).
const MIN_BINDER_LEN: usize = 32;
/// name_type of a host name (RFC 6066 §3).
const HOST_NAME: u8 = 0;

/// KeyShareEntry (RFC 8446 §4.2.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyShareEntry {
    pub(crate) group: NamedGroup,
    pub(crate) key_exchange: Vec<u8>,
}

/// The key shares of a ClientHello (RFC 8446 §4.2.8), one of each group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyShares {
    /// The groups of all shares, in their order.
    pub(crate) groups: Vec<NamedGroup>,
    /// The shares of groups that we know; the others are passed over (RFC 8446 §9.3).
    pub(crate) known: Vec<KeyShareEntry>,
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
    pub(crate) key_share: Option<KeyShares>,
    /// Always last on the wire (RFC 8446 §4.2.11); decoding refuses it elsewhere.
    pub(crate) pre_shared_key: Option<OfferedPsks>,
    /// What we know and have no use for, as it came. Not encoded.
    pub(crate) passed_over: Vec<(ExtensionType, Vec<u8>)>,
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

impl Codec for KeyShareEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.group.encode(out);
        opaque(Prefix::Two, &self.key_exchange, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let group = NamedGroup::decode(reader)?;
        Ok(Self { group, key_exchange: reader.opaque(Prefix::Two, 1)?.to_vec() })
    }
}

impl KeyShares {
    pub(crate) fn of(known: Vec<KeyShareEntry>) -> Self {
        Self { groups: known.iter().map(|share| share.group).collect(), known }
    }
}

impl Codec for KeyShares {
    fn encode(&self, out: &mut Vec<u8>) {
        list(Prefix::Two, &self.known, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        // RFC 8446 §4.2.8: an empty list asks for a HelloRetryRequest.
        let mut entries = reader.nested(Prefix::Two)?;
        let (mut shares, mut seen) = (Self::default(), NumberSet::default());
        while !entries.is_empty() {
            let group = NamedGroup::decode(&mut entries)?;
            let key_exchange = entries.opaque(Prefix::Two, 1)?;
            if !seen.insert(group.0) {
                return Err(entries.error(Malformed::Duplicate));
            }
            shares.groups.push(group);
            if group.name().is_some() {
                shares.known.push(KeyShareEntry { group, key_exchange: key_exchange.to_vec() });
            }
        }
        Ok(shares)
    }
}

impl Codec for PskIdentity {
    fn encode(&self, out: &mut Vec<u8>) {
        opaque(Prefix::Two, &self.identity, out);
        out.extend_from_slice(&self.obfuscated_ticket_age.to_be_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let identity = reader.opaque(Prefix::Two, 1)?.to_vec();
        Ok(Self { identity, obfuscated_ticket_age: reader.u32()? })
    }
}

impl Codec for OfferedPsks {
    fn encode(&self, out: &mut Vec<u8>) {
        list(Prefix::Two, &self.identities, out);
        vector(Prefix::Two, out, |out| {
            self.binders.iter().for_each(|binder| opaque(Prefix::One, binder, out));
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let identities: Vec<PskIdentity> = reader.list(Prefix::Two)?;
        let mut inner = reader.nested(Prefix::Two)?;
        let mut binders = Vec::new();
        while !inner.is_empty() {
            binders.push(inner.opaque(Prefix::One, MIN_BINDER_LEN)?.to_vec());
        }
        if binders.is_empty() {
            return Err(inner.error(Malformed::Empty));
        }
        // RFC 8446 §4.2.11: one binder for each identity.
        if binders.len() != identities.len() {
            return Err(reader.error(Malformed::IllegalValue));
        }
        Ok(Self { identities, binders })
    }
}

impl OfferedPsks {
    /// Octets that the binders take at the end of the ClientHello: what a binder does not cover
    /// (RFC 8446 §4.2.11.2).
    pub(crate) fn binders_len(&self) -> usize {
        self.binders.iter().fold(2, |sum, binder| sum.saturating_add(1).saturating_add(binder.len()))
    }
}

impl Codec for ClientExtensions {
    fn encode(&self, out: &mut Vec<u8>) {
        Block::write(out, |block| {
            block.some(ExtensionType::SERVER_NAME, self.server_name.as_ref(), |name, out| {
                vector(Prefix::Two, out, |out| {
                    out.push(HOST_NAME);
                    opaque(Prefix::Two, name.as_bytes(), out);
                });
            });
            block.list(ExtensionType::SUPPORTED_GROUPS, Prefix::Two, self.supported_groups.as_deref());
            block.schemes(self.signature_algorithms.as_deref(), self.signature_algorithms_cert.as_deref());
            block.some(ExtensionType::ALPN, self.alpn.as_ref(), |names, out| {
                vector(Prefix::Two, out, |out| names.iter().for_each(|name| opaque(Prefix::One, name, out)));
            });
            block.some(ExtensionType::RECORD_SIZE_LIMIT, self.record_size_limit.as_ref(), |limit, out| {
                out.extend_from_slice(&limit.to_be_bytes());
            });
            block.list(ExtensionType::SUPPORTED_VERSIONS, Prefix::One, self.supported_versions.as_deref());
            block.some(ExtensionType::COOKIE, self.cookie.as_ref(), |cookie, out| {
                opaque(Prefix::Two, cookie, out)
            });
            let modes = self.psk_key_exchange_modes.as_deref();
            block.list(ExtensionType::PSK_KEY_EXCHANGE_MODES, Prefix::One, modes);
            block.authorities(self.certificate_authorities.as_ref());
            block.flag(ExtensionType::POST_HANDSHAKE_AUTH, self.post_handshake_auth);
            block.flag(ExtensionType::EARLY_DATA, self.early_data);
            block.some(ExtensionType::KEY_SHARE, self.key_share.as_ref(), Codec::encode);
            block.some(ExtensionType::PRE_SHARED_KEY, self.pre_shared_key.as_ref(), Codec::encode);
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let mut value = Self::default();
        // RFC 8446 §4.1.2: a ClientHello of an older version may end before its extensions.
        if reader.is_empty() {
            return Ok(value);
        }
        let types = decode_block(Message::ClientHello, reader, |extension, body| {
            match extension {
                ExtensionType::SERVER_NAME => value.server_name = Some(host_name(body)?),
                ExtensionType::SUPPORTED_GROUPS => value.supported_groups = Some(body.list(Prefix::Two)?),
                ExtensionType::SIGNATURE_ALGORITHMS => {
                    value.signature_algorithms = Some(body.list(Prefix::Two)?)
                }
                ExtensionType::SIGNATURE_ALGORITHMS_CERT => {
                    value.signature_algorithms_cert = Some(body.list(Prefix::Two)?);
                }
                ExtensionType::ALPN => value.alpn = Some(opaque_list(body, Prefix::One)?),
                ExtensionType::RECORD_SIZE_LIMIT => value.record_size_limit = Some(record_size_limit(body)?),
                ExtensionType::SUPPORTED_VERSIONS => value.supported_versions = Some(body.list(Prefix::One)?),
                ExtensionType::COOKIE => value.cookie = Some(body.opaque(Prefix::Two, 1)?.to_vec()),
                ExtensionType::PSK_KEY_EXCHANGE_MODES => {
                    value.psk_key_exchange_modes = Some(body.list(Prefix::One)?);
                }
                ExtensionType::CERTIFICATE_AUTHORITIES => {
                    value.certificate_authorities = Some(opaque_list(body, Prefix::Two)?);
                }
                ExtensionType::POST_HANDSHAKE_AUTH => value.post_handshake_auth = true,
                ExtensionType::EARLY_DATA => value.early_data = true,
                ExtensionType::KEY_SHARE => value.key_share = Some(KeyShares::decode(body)?),
                ExtensionType::PRE_SHARED_KEY => value.pre_shared_key = Some(OfferedPsks::decode(body)?),
                ExtensionType::PADDING => return Ok(false),
                _ if extension.name().is_some() => {
                    value.passed_over.push((extension, body.rest().to_vec()));
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        // RFC 8446 §4.2.11: the binders cover all that comes before them.
        if value.pre_shared_key.is_some() && types.last() != Some(&ExtensionType::PRE_SHARED_KEY) {
            return Err(InvalidMessage {
                what: "pre_shared_key (must be last)",
                why: Malformed::IllegalValue,
            });
        }
        value.types = types;
        Ok(value)
    }
}

impl Codec for ServerExtensions {
    fn encode(&self, out: &mut Vec<u8>) {
        Block::write(out, |block| {
            block.some(ExtensionType::KEY_SHARE, self.key_share.as_ref(), Codec::encode);
            block.some(ExtensionType::SUPPORTED_VERSIONS, self.supported_versions.as_ref(), Codec::encode);
            block.some(ExtensionType::PRE_SHARED_KEY, self.pre_shared_key.as_ref(), |index, out| {
                out.extend_from_slice(&index.to_be_bytes());
            });
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let mut value = Self::default();
        // An older server may send none; the handshake then finds that it did not choose TLS 1.3.
        if reader.is_empty() {
            return Ok(value);
        }
        value.types = decode_block(Message::ServerHello, reader, |extension, body| {
            match extension {
                ExtensionType::KEY_SHARE => value.key_share = Some(KeyShareEntry::decode(body)?),
                ExtensionType::SUPPORTED_VERSIONS => {
                    value.supported_versions = Some(ProtocolVersion::decode(body)?);
                }
                ExtensionType::PRE_SHARED_KEY => value.pre_shared_key = Some(body.u16()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(value)
    }
}

impl Codec for HelloRetryExtensions {
    fn encode(&self, out: &mut Vec<u8>) {
        Block::write(out, |block| {
            block.some(ExtensionType::SUPPORTED_VERSIONS, self.supported_versions.as_ref(), Codec::encode);
            block.some(ExtensionType::COOKIE, self.cookie.as_ref(), |cookie, out| {
                opaque(Prefix::Two, cookie, out)
            });
            block.some(ExtensionType::KEY_SHARE, self.key_share.as_ref(), Codec::encode);
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let mut value = Self::default();
        value.types = decode_block(Message::HelloRetryRequest, reader, |extension, body| {
            match extension {
                ExtensionType::SUPPORTED_VERSIONS => {
                    value.supported_versions = Some(ProtocolVersion::decode(body)?);
                }
                ExtensionType::COOKIE => value.cookie = Some(body.opaque(Prefix::Two, 1)?.to_vec()),
                ExtensionType::KEY_SHARE => value.key_share = Some(NamedGroup::decode(body)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(value)
    }
}

impl Codec for EncryptedExtensionsBody {
    fn encode(&self, out: &mut Vec<u8>) {
        Block::write(out, |block| {
            block.flag(ExtensionType::SERVER_NAME, self.server_name);
            block.list(ExtensionType::SUPPORTED_GROUPS, Prefix::Two, self.supported_groups.as_deref());
            block.some(ExtensionType::ALPN, self.alpn.as_ref(), |name, out| {
                vector(Prefix::Two, out, |out| opaque(Prefix::One, name, out));
            });
            block.some(ExtensionType::RECORD_SIZE_LIMIT, self.record_size_limit.as_ref(), |limit, out| {
                out.extend_from_slice(&limit.to_be_bytes());
            });
            block.flag(ExtensionType::EARLY_DATA, self.early_data);
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let mut value = Self::default();
        value.types = decode_block(Message::EncryptedExtensions, reader, |extension, body| {
            match extension {
                ExtensionType::SERVER_NAME => value.server_name = true,
                ExtensionType::SUPPORTED_GROUPS => value.supported_groups = Some(body.list(Prefix::Two)?),
                ExtensionType::ALPN => value.alpn = Some(one_protocol(body)?),
                ExtensionType::RECORD_SIZE_LIMIT => value.record_size_limit = Some(record_size_limit(body)?),
                ExtensionType::EARLY_DATA => value.early_data = true,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(value)
    }
}

impl Codec for CertificateRequestExtensions {
    fn encode(&self, out: &mut Vec<u8>) {
        Block::write(out, |block| {
            block.schemes(self.signature_algorithms.as_deref(), self.signature_algorithms_cert.as_deref());
            block.authorities(self.certificate_authorities.as_ref());
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let mut value = Self::default();
        value.types = decode_block(Message::CertificateRequest, reader, |extension, body| {
            match extension {
                ExtensionType::SIGNATURE_ALGORITHMS => {
                    value.signature_algorithms = Some(body.list(Prefix::Two)?)
                }
                ExtensionType::SIGNATURE_ALGORITHMS_CERT => {
                    value.signature_algorithms_cert = Some(body.list(Prefix::Two)?);
                }
                ExtensionType::CERTIFICATE_AUTHORITIES => {
                    value.certificate_authorities = Some(opaque_list(body, Prefix::Two)?);
                }
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        // RFC 8446 §4.3.2: extensions<2..2^16-1>.
        if value.types.is_empty() { Err(reader.error(Malformed::Empty)) } else { Ok(value) }
    }
}

impl ClientExtensions {
    /// What a second ClientHello must repeat (RFC 8446 §4.1.2): all but key_share, cookie, early_data,
    /// pre_shared_key and padding, in the same order; of an extension that we do not know, that it is there.
    pub(crate) fn repeated(&self) -> Self {
        let may_change = [
            ExtensionType::COOKIE,
            ExtensionType::EARLY_DATA,
            ExtensionType::PRE_SHARED_KEY,
            ExtensionType::PADDING,
        ];
        let types = self.types.iter().copied().filter(|extension| !may_change.contains(extension));
        Self {
            key_share: None,
            cookie: None,
            early_data: false,
            pre_shared_key: None,
            types: types.collect(),
            ..self.clone()
        }
    }
}

/// ServerNameList with one host_name (RFC 6066 §3).
fn host_name(body: &mut Reader<'_>) -> Result<String, InvalidMessage> {
    let mut names = body.nested(Prefix::Two)?;
    if names.u8()? != HOST_NAME {
        return Err(names.error(Malformed::IllegalValue));
    }
    let name = names.opaque(Prefix::Two, 1)?;
    names.finish()?;
    match core::str::from_utf8(name) {
        Ok(name) if name.is_ascii() && !name.contains(|c: char| c.is_ascii_control()) => Ok(name.to_owned()),
        _ => Err(names.error(Malformed::IllegalValue)),
    }
}

/// A vector of opaque vectors of at least one octet each.
fn opaque_list(body: &mut Reader<'_>, item: Prefix) -> Result<Vec<Vec<u8>>, InvalidMessage> {
    let mut inner = body.nested(Prefix::Two)?;
    let mut items = Vec::new();
    while !inner.is_empty() {
        if items.len() >= MAX_LISTED {
            return Err(inner.error(Malformed::TooLong));
        }
        items.push(inner.opaque(item, 1)?.to_vec());
    }
    if items.is_empty() { Err(inner.error(Malformed::Empty)) } else { Ok(items) }
}

/// RFC 7301 §3.1: a server answers with exactly one name.
fn one_protocol(body: &mut Reader<'_>) -> Result<Vec<u8>, InvalidMessage> {
    let mut names = opaque_list(body, Prefix::One)?;
    match (names.pop(), names.is_empty()) {
        (Some(name), true) => Ok(name),
        _ => Err(body.error(Malformed::IllegalValue)),
    }
}

fn record_size_limit(body: &mut Reader<'_>) -> Result<u16, InvalidMessage> {
    let limit = body.u16()?;
    if limit < MIN_RECORD_SIZE_LIMIT { Err(body.error(Malformed::IllegalValue)) } else { Ok(limit) }
}
