//! Why a PKCS#12 file is refused.

use der::ErrorKind;

use crate::error::{Error, KeyError};

/// What is well-formed and not read.
pub(super) fn unsupported(what: impl Into<String>) -> Error {
    KeyError::UnsupportedPkcs12(what.into()).into()
}

/// What `encrypted` says of a key, said of the file.
pub(super) fn not_supported(error: Error) -> Error {
    if let Error::Key(KeyError::UnsupportedEncryption(name)) = error {
        return unsupported(format!("it asks for {name}"));
    }
    error
}

/// What breaks RFC 7292, told from BER, which RFC 7292 §4 allows and old programs write.
pub(super) fn malformed(error: der::Error) -> Error {
    let constructed = ErrorKind::TagUnknown { byte: CONSTRUCTED_OCTET_STRING };
    if error.kind() == ErrorKind::IndefiniteLength || error.kind() == constructed {
        return unsupported("it is BER with lengths left open or octets in pieces, not DER");
    }
    KeyError::Malformed("the PKCS#12 file is not DER as in RFC 7292, or cut short").into()
}

/// The identifier octet of an OCTET STRING in pieces (X.690 §8.7.3).
const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
