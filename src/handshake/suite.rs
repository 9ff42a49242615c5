//! What a cipher suite stands for.

use crate::codepoints::CipherSuite;
use crate::crypto::aead::AeadAlgorithm;
use crate::crypto::hash::HashAlgorithm;

/// The AEAD and the hash of a suite that this library implements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SuiteParameters {
    pub(crate) suite: CipherSuite,
    pub(crate) aead: AeadAlgorithm,
    pub(crate) hash: HashAlgorithm,
}

impl SuiteParameters {
    /// `None` for a suite that is not implemented.
    pub(crate) const fn of(suite: CipherSuite) -> Option<Self> {
        let (aead, hash) = match suite {
            CipherSuite::TLS_AES_128_GCM_SHA256 => (AeadAlgorithm::Aes128Gcm, HashAlgorithm::Sha256),
            CipherSuite::TLS_AES_256_GCM_SHA384 => (AeadAlgorithm::Aes256Gcm, HashAlgorithm::Sha384),
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256 => {
                (AeadAlgorithm::ChaCha20Poly1305, HashAlgorithm::Sha256)
            }
            CipherSuite::OTLS_CHACHA20_POLY1305_SHA384 => {
                (AeadAlgorithm::ChaCha20Poly1305, HashAlgorithm::Sha384)
            }
            CipherSuite::OTLS_AES_128_CBC_HMAC_SHA256 => {
                (AeadAlgorithm::Aes128CbcHmacSha256, HashAlgorithm::Sha256)
            }
            CipherSuite::OTLS_AES_256_CBC_HMAC_SHA384 => {
                (AeadAlgorithm::Aes256CbcHmacSha384, HashAlgorithm::Sha384)
            }
            _ => return None,
        };
        Some(Self { suite, aead, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handshake::SUPPORTED_SUITES;

    #[test]
    fn every_supported_suite_has_parameters() {
        assert!(SUPPORTED_SUITES.iter().all(|suite| SuiteParameters::of(*suite).is_some()));
        assert_eq!(SuiteParameters::of(CipherSuite(0xC02F)), None);
    }
}
