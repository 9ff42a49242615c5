//! EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished
//! (RFC 8446 §4.3, §4.4). Bodies without the handshake header.

use super::codec::{Prefix, list, opaque};
use super::extensions::{CertificateRequestExtensions, EncryptedExtensionsBody, certificate_entry_types};
use super::{Codec, Reader};
use crate::codepoints::{ExtensionType, SignatureScheme};
use crate::error::{InvalidMessage, Malformed};

/// Certificates in the longest chain that we take. RFC 8446 sets no limit; this one bounds the work
/// of decoding and verifying.
pub(crate) const MAX_CERTIFICATES: usize = 10;

/// EncryptedExtensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncryptedExtensions {
    pub(crate) extensions: EncryptedExtensionsBody,
}

impl Codec for EncryptedExtensions {
    fn encode(&self, out: &mut Vec<u8>) {
        self.extensions.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self { extensions: EncryptedExtensionsBody::decode(reader)? })
    }
}

/// CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateRequestMessage {
    pub(crate) certificate_request_context: Vec<u8>,
    pub(crate) extensions: CertificateRequestExtensions,
}

impl Codec for CertificateRequestMessage {
    fn encode(&self, out: &mut Vec<u8>) {
        opaque(Prefix::One, &self.certificate_request_context, out);
        self.extensions.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self {
            certificate_request_context: reader.opaque(Prefix::One, 0)?.to_vec(),
            extensions: CertificateRequestExtensions::decode(reader)?,
        })
    }
}

/// CertificateEntry, X.509 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateEntry {
    pub(crate) cert_data: Vec<u8>,
    /// The types of its extensions; we send none.
    pub(crate) types: Vec<ExtensionType>,
}

impl Codec for CertificateEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        opaque(Prefix::Three, &self.cert_data, out);
        opaque(Prefix::Two, &[], out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let cert_data = reader.opaque(Prefix::Three, 1)?.to_vec();
        Ok(Self { cert_data, types: certificate_entry_types(reader)? })
    }
}

/// Certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateMessage {
    pub(crate) certificate_request_context: Vec<u8>,
    pub(crate) certificate_list: Vec<CertificateEntry>,
}

impl Codec for CertificateMessage {
    fn encode(&self, out: &mut Vec<u8>) {
        opaque(Prefix::One, &self.certificate_request_context, out);
        list(Prefix::Three, &self.certificate_list, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        let certificate_request_context = reader.opaque(Prefix::One, 0)?.to_vec();
        let mut entries = reader.nested(Prefix::Three)?.named("certificate_list");
        let mut certificate_list = Vec::new();
        while !entries.is_empty() {
            if certificate_list.len() == MAX_CERTIFICATES {
                return Err(entries.error(Malformed::TooLong));
            }
            certificate_list.push(CertificateEntry::decode(&mut entries)?);
        }
        Ok(Self { certificate_request_context, certificate_list })
    }
}

/// CertificateVerify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify {
    pub(crate) algorithm: SignatureScheme,
    pub(crate) signature: Vec<u8>,
}

impl Codec for CertificateVerify {
    fn encode(&self, out: &mut Vec<u8>) {
        self.algorithm.encode(out);
        opaque(Prefix::Two, &self.signature, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self {
            algorithm: SignatureScheme::decode(reader)?,
            signature: reader.opaque(Prefix::Two, 0)?.to_vec(),
        })
    }
}

/// Finished: verify_data is the whole body; its length is the hash's, which the handshake checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) verify_data: Vec<u8>,
}

impl Codec for Finished {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.verify_data);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> {
        Ok(Self { verify_data: reader.rest().to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_eleventh_certificate_is_refused() {
        let entry = CertificateEntry { cert_data: vec![0x30], types: Vec::new() };
        let chain = |len| CertificateMessage {
            certificate_request_context: Vec::new(),
            certificate_list: vec![entry.clone(); len],
        };
        let decoded = |message: &CertificateMessage| {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            CertificateMessage::decode_all("Certificate", &encoded)
        };
        assert_eq!(decoded(&chain(MAX_CERTIFICATES)).unwrap(), chain(MAX_CERTIFICATES));
        let refused = decoded(&chain(MAX_CERTIFICATES + 1)).unwrap_err();
        assert_eq!(refused, InvalidMessage { what: "certificate_list", why: Malformed::TooLong });
    }

    #[test]
    fn an_empty_certificate_is_refused() {
        let encoded = [0, 0, 0, 5, 0, 0, 0, 0, 0];
        let refused = CertificateMessage::decode_all("Certificate", &encoded).unwrap_err();
        assert_eq!(refused.why, Malformed::Empty);
    }
}
