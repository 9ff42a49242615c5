//! EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify, Finished
//! (RFC 8446 §4.3, §4.4). Bodies without the handshake header.

use super::extensions::{CertificateRequestExtensions, EncryptedExtensionsBody};
use super::{Codec, Reader};
use crate::codepoints::{ExtensionType, SignatureScheme};
use crate::error::InvalidMessage;

/// EncryptedExtensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncryptedExtensions {
    pub(crate) extensions: EncryptedExtensionsBody,
}

/// CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateRequestMessage {
    pub(crate) certificate_request_context: Vec<u8>,
    pub(crate) extensions: CertificateRequestExtensions,
}

/// CertificateEntry, X.509 only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateEntry {
    pub(crate) cert_data: Vec<u8>,
    /// The types of its extensions; we send none.
    pub(crate) types: Vec<ExtensionType>,
}

/// Certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateMessage {
    pub(crate) certificate_request_context: Vec<u8>,
    pub(crate) certificate_list: Vec<CertificateEntry>,
}

/// CertificateVerify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify {
    pub(crate) algorithm: SignatureScheme,
    pub(crate) signature: Vec<u8>,
}

/// Finished: verify_data is the whole body; its length is the hash's, which the handshake checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) verify_data: Vec<u8>,
}

macro_rules! todo_codec { ($($t:ty),*) => { $(impl Codec for $t {
    fn encode(&self, _out: &mut Vec<u8>) { todo!() }
    fn decode(_reader: &mut Reader<'_>) -> Result<Self, InvalidMessage> { todo!() }
})* } }
todo_codec!(EncryptedExtensions, CertificateRequestMessage, CertificateMessage, CertificateVerify, Finished);
