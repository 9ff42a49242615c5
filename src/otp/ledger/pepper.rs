//! The keyed hash that stands for a code.

use super::super::{Context, OtpId, Subject, Tag};
use super::Ledger;
use crate::crypto::hash::HashAlgorithm;
use crate::crypto::hmac::HmacKey;
use crate::error::{Error, Result};
use crate::secret::Secret;

pub(super) struct Pepper {
    id: [u8; 8],
    key: HmacKey,
}

impl Pepper {
    pub(super) fn new(pepper: &Secret) -> Result<Self> {
        if pepper.len() < Ledger::MIN_PEPPER_LEN {
            return Err(Error::misuse(
                "a pepper has 32 octets or more",
                "draw it from a random source and keep it apart from the store",
            ));
        }
        let key = HmacKey::new(HashAlgorithm::Sha256, pepper.expose());
        let id = key.sign(&[PEPPER_LABEL]).as_ref().first_chunk().copied();
        Ok(Self { id: id.ok_or(Error::Internal("a short HMAC"))?, key })
    }

    // Each field after its length: fields that run together differently are different fields.
    pub(super) fn tag(&self, id: &OtpId, subject: &Subject, context: &Context, code: &str) -> Result<Tag> {
        let context = context.encode();
        let fields = [&id.0, subject.as_str().as_bytes(), &context, code.as_bytes()];
        let lengths = fields.map(|field| u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        let mut parts = vec![CODE_LABEL];
        for (length, field) in lengths.iter().zip(fields) {
            parts.extend([&length[..], field]);
        }
        let mac = self.key.sign(&parts);
        let mac = mac.as_ref().first_chunk().copied().ok_or(Error::Internal("a short HMAC"))?;
        Ok(Tag { pepper_id: self.id, mac })
    }
}

#[cfg(test)]
pub(in super::super) fn tag(
    pepper: &Secret,
    id: &OtpId,
    subject: &str,
    context: &Context,
    code: &str,
) -> Result<Tag> {
    Pepper::new(pepper)?.tag(id, &Subject::new(subject)?, context, code)
}

// One label for each use of the key, so that neither gives a value of the other.
const CODE_LABEL: &[u8] = b"otls-otp code 1\0";
const PEPPER_LABEL: &[u8] = b"otls-otp pepper 1\0";
