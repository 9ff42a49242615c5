//! A block of extensions: which belong where, none twice, each read to its end.

use crate::codepoints::{ExtensionType, SignatureScheme};
use crate::error::{InvalidMessage, Malformed};
use crate::wire::codec::{NumberSet, Prefix, list, opaque, vector};
use crate::wire::{Codec, Reader};

/// The messages that carry extensions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    ClientHello,
    ServerHello,
    HelloRetryRequest,
    EncryptedExtensions,
    Certificate,
    CertificateRequest,
    NewSessionTicket,
}

/// Reads a block; `handle` decodes an extension and says whether it knows it. Returns the types in
/// their order.
pub(super) fn decode_block(
    message: Message,
    reader: &mut Reader<'_>,
    mut handle: impl FnMut(ExtensionType, &mut Reader<'_>) -> Result<bool, InvalidMessage>,
) -> Result<Vec<ExtensionType>, InvalidMessage> {
    let mut block = reader.nested(Prefix::Two)?;
    let mut types = Vec::new();
    let mut seen = NumberSet::default();
    while !block.is_empty() {
        let extension = ExtensionType::decode(&mut block)?;
        let name = extension.name().unwrap_or("extension");
        let mut body = block.nested(Prefix::Two)?.named(name);
        // RFC 8446 §4.2: one extension of each type in a block.
        if !seen.insert(extension.0) {
            return Err(body.error(Malformed::Duplicate));
        }
        // RFC 8446 §4.2: a known extension in the wrong message is an illegal_parameter.
        if home_of(extension).is_some_and(|home| !home.contains(&message)) {
            return Err(body.error(Malformed::IllegalValue));
        }
        if handle(extension, &mut body)? {
            body.finish()?;
        }
        types.push(extension);
    }
    Ok(types)
}

/// The extensions of a CertificateEntry, of which only the types matter here.
pub(in crate::wire) fn certificate_entry_types(
    reader: &mut Reader<'_>,
) -> Result<Vec<ExtensionType>, InvalidMessage> {
    decode_block(Message::Certificate, reader, |_, _| Ok(false))
}

/// max_early_data_size of a NewSessionTicket (RFC 8446 §4.2.10).
pub(in crate::wire) fn ticket_early_data(reader: &mut Reader<'_>) -> Result<Option<u32>, InvalidMessage> {
    let mut size = None;
    decode_block(Message::NewSessionTicket, reader, |extension, body| {
        if extension != ExtensionType::EARLY_DATA {
            return Ok(false);
        }
        size = Some(body.u32()?);
        Ok(true)
    })?;
    Ok(size)
}

/// The table of RFC 8446 §4.2, and RFC 8449 §4; `None` for a type that we do not know.
fn home_of(extension: ExtensionType) -> Option<&'static [Message]> {
    use Message::{
        Certificate, CertificateRequest, ClientHello, EncryptedExtensions, HelloRetryRequest,
        NewSessionTicket, ServerHello,
    };
    Some(match extension {
        ExtensionType::SERVER_NAME
        | ExtensionType::MAX_FRAGMENT_LENGTH
        | ExtensionType::SUPPORTED_GROUPS
        | ExtensionType::ALPN
        | ExtensionType::RECORD_SIZE_LIMIT => &[ClientHello, EncryptedExtensions],
        ExtensionType::STATUS_REQUEST | ExtensionType::SIGNED_CERTIFICATE_TIMESTAMP => {
            &[ClientHello, CertificateRequest, Certificate]
        }
        ExtensionType::SIGNATURE_ALGORITHMS
        | ExtensionType::SIGNATURE_ALGORITHMS_CERT
        | ExtensionType::CERTIFICATE_AUTHORITIES => &[ClientHello, CertificateRequest],
        ExtensionType::PADDING
        | ExtensionType::PSK_KEY_EXCHANGE_MODES
        | ExtensionType::POST_HANDSHAKE_AUTH => &[ClientHello],
        ExtensionType::PRE_SHARED_KEY => &[ClientHello, ServerHello],
        ExtensionType::EARLY_DATA => &[ClientHello, EncryptedExtensions, NewSessionTicket],
        ExtensionType::COOKIE => &[ClientHello, HelloRetryRequest],
        ExtensionType::SUPPORTED_VERSIONS | ExtensionType::KEY_SHARE => {
            &[ClientHello, ServerHello, HelloRetryRequest]
        }
        ExtensionType::OID_FILTERS => &[CertificateRequest],
        _ => return None,
    })
}

/// A block that is being written.
pub(super) struct Block<'a>(&'a mut Vec<u8>);

impl Block<'_> {
    /// Appends a block of what `write` adds to it.
    pub(super) fn write(out: &mut Vec<u8>, write: impl FnOnce(&mut Block<'_>)) {
        vector(Prefix::Two, out, |out| write(&mut Block(out)));
    }

    /// Adds an extension if there is a value.
    pub(super) fn some<T>(
        &mut self,
        extension: ExtensionType,
        value: Option<&T>,
        write: impl FnOnce(&T, &mut Vec<u8>),
    ) {
        if let Some(value) = value {
            extension.encode(self.0);
            vector(Prefix::Two, self.0, |out| write(value, out));
        }
    }

    /// Adds a vector of structures if there is one.
    pub(super) fn list<T: Codec>(&mut self, extension: ExtensionType, prefix: Prefix, items: Option<&[T]>) {
        self.some(extension, items.as_ref(), |items, out| list(prefix, items, out));
    }

    /// Adds an extension without content if `set`.
    pub(super) fn flag(&mut self, extension: ExtensionType, set: bool) {
        self.some(extension, set.then_some(&()), |(), _| {});
    }

    /// Adds the schemes that are accepted, and those for certificates (RFC 8446 §4.2.3).
    pub(super) fn schemes(&mut self, schemes: Option<&[SignatureScheme]>, cert: Option<&[SignatureScheme]>) {
        self.list(ExtensionType::SIGNATURE_ALGORITHMS, Prefix::Two, schemes);
        self.list(ExtensionType::SIGNATURE_ALGORITHMS_CERT, Prefix::Two, cert);
    }

    /// certificate_authorities (RFC 8446 §4.2.4).
    pub(super) fn authorities(&mut self, names: Option<&Vec<Vec<u8>>>) {
        self.some(ExtensionType::CERTIFICATE_AUTHORITIES, names, |names, out| {
            vector(Prefix::Two, out, |out| names.iter().for_each(|name| opaque(Prefix::Two, name, out)));
        });
    }
}
