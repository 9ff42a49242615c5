//! Stands in for the fast engine where it is not compiled in: it supports nothing.

pub(super) fn is_supported() -> bool {
    false
}

pub(super) mod aead {
    use crate::crypto::primitive::aead::{AeadAlgorithm, Cipher, NONCE_LEN, Tag};
    use crate::error::Result;

    /// There is none.
    pub(in crate::crypto) enum Key {}

    impl Cipher for Key {
        fn seal(&self, _: &[u8; NONCE_LEN], _: &[u8], _: &mut [u8]) -> Result<Tag> {
            match *self {}
        }

        fn open(&self, _: &[u8; NONCE_LEN], _: &[u8], _: &mut [u8]) -> Result<usize> {
            match *self {}
        }
    }

    pub(in crate::crypto) fn key(_: AeadAlgorithm, _: &[u8]) -> Option<Key> {
        None
    }
}

pub(super) mod kx {
    use crate::crypto::Random;
    use crate::crypto::primitive::kx::{CLIENT_KEM_LEN, Curve, Decapsulator, Ecdh, Encapsulated};
    use crate::error::Result;

    pub(in crate::crypto) fn ecdh(_: Curve, _: &dyn Random) -> Option<Result<Box<dyn Ecdh>>> {
        None
    }

    pub(in crate::crypto) fn decapsulator() -> Option<Result<Box<dyn Decapsulator>>> {
        None
    }

    pub(in crate::crypto) fn encapsulate(_: &[u8; CLIENT_KEM_LEN]) -> Option<Result<Encapsulated>> {
        None
    }
}

pub(super) mod sign {
    use crate::crypto::primitive::sign::{PrivateParts, PublicParts, Signer, Verifier};

    pub(in crate::crypto) fn signer(_: &PrivateParts) -> Option<Signer> {
        None
    }

    pub(in crate::crypto) fn verifier(_: &PublicParts<'_>) -> Option<Verifier> {
        None
    }
}

pub(super) mod oaep {
    use crate::error::Result;
    use crate::secret::Secret;

    pub(in crate::crypto) fn decrypt(_: &[u8], _: &[u8], _: &[u8]) -> Option<Result<Secret>> {
        None
    }
}
