//! AuthEnvelopedData with AES-GCM (RFC 5083, RFC 5084), made and read; EnvelopedData with AES-CBC
//! (RFC 5652 §6, RFC 3565), read.

use der::Tag;
use der::asn1::AnyRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::algorithm::{
    AES_256_GCM, ContentCipher, ID_AUTH_ENVELOPED_DATA, ID_DATA, ID_ENVELOPED_DATA, ID_SIGNED_DATA,
};
use super::asn1::{
    AuthEnvelopedData, ContentInfo, EncryptedContentInfo, EnvelopedData, GcmParameters, any, encoded, exact,
    malformed, octets, set_of, unsupported,
};
use super::recipient::{content_key, for_holder};
use crate::crypto::aead::{AES_BLOCK, AeadAlgorithm, AeadKey, NONCE_LEN};
use crate::crypto::{Random, aes_cbc};
use crate::error::{CmsError, Error, Result};
use crate::pki::{Certificate, Identity};
use crate::secret::Secret;

/// What was decrypted.
pub(super) struct Decrypted {
    pub(super) content: Secret,
    /// Whether it is what somebody who knew the content's key has encrypted. If not, the ciphertext may have
    /// been changed on purpose, and any word about the content is a word about its secrets.
    pub(super) is_authentic: bool,
}

/// Encrypts `content`, which has the type id-data.
pub(super) fn encrypt(content: &Secret, recipient: &Certificate, random: &dyn Random) -> Result<Vec<u8>> {
    let algorithm = AeadAlgorithm::Aes256Gcm;
    let mut key = Zeroizing::new(vec![0; algorithm.key_len()]);
    random.fill(&mut key)?;
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce)?;
    let key = Secret::from(key);
    // Reserved, so that no copy of the content is left behind by growing.
    let mut sealed = Vec::with_capacity(algorithm.sealed_len(content.len()));
    sealed.extend_from_slice(content.expose());
    AeadKey::new(algorithm, key.expose())?.seal(&nonce, NO_ATTRIBUTES, &mut sealed, 0)?;
    let (text, mac) = sealed.split_at_checked(content.len()).ok_or(Error::Internal("an AEAD's length"))?;

    let parameters = encoded(&GcmParameters { nonce: octets(&nonce)?, icv_len: ICV_LEN })?;
    let recipient_infos = set_of(Tag::Set, vec![for_holder(recipient, &key, random)?])?;
    let enveloped = encoded(&AuthEnvelopedData {
        version: VERSION_0,
        recipient_infos: any(&recipient_infos)?,
        encrypted_content_info: EncryptedContentInfo {
            // The signed message inside is an octet string like any other to whoever decrypts. RFC 5083
            // §2.1 has authenticated attributes where it is not.
            content_type: ID_DATA,
            algorithm: AlgorithmIdentifierRef { oid: AES_256_GCM, parameters: Some(any(&parameters)?) },
            encrypted_content: octets(text)?,
        },
        mac: octets(mac)?,
    })?;
    let mut message =
        encoded(&ContentInfo { content_type: ID_AUTH_ENVELOPED_DATA, content: any(&enveloped)? })?;
    Ok(core::mem::take(&mut *message))
}

/// Decrypts a message of either type to `recipient`.
pub(super) fn decrypt(message: &[u8], recipient: &Identity, random: &dyn Random) -> Result<Decrypted> {
    let info: ContentInfo<'_> = exact(message, "ContentInfo")?;
    let content = encoded(&info.content)?;
    match info.content_type {
        ID_AUTH_ENVELOPED_DATA => decrypt_authentic(&content, recipient, random),
        ID_ENVELOPED_DATA => decrypt_plain(&content, recipient, random),
        ID_SIGNED_DATA => Err(CmsError::NotEncrypted.into()),
        other => Err(unsupported(format!("a message of the type {other}"))),
    }
}

fn decrypt_authentic(der: &[u8], recipient: &Identity, random: &dyn Random) -> Result<Decrypted> {
    let enveloped: AuthEnvelopedData<'_> = exact(der, "AuthEnvelopedData, or a field of it not accepted")?;
    if enveloped.version != VERSION_0 {
        return Err(malformed("the version of an AuthEnvelopedData"));
    }
    let (cipher, encrypted) = checked(&enveloped.encrypted_content_info)?;
    let ContentCipher::Gcm(algorithm) = cipher else {
        return Err(malformed("AuthEnvelopedData with a cipher that authenticates nothing"));
    };
    let parameters = parameters_of(&enveloped.encrypted_content_info)?;
    let parameters = encoded(&parameters)?;
    let parameters: GcmParameters<'_> = exact(&parameters, "GCMParameters")?;
    let nonce: &[u8; NONCE_LEN] = parameters
        .nonce
        .as_bytes()
        .try_into()
        .map_err(|_| unsupported("AES-GCM with a nonce that has not 12 octets"))?;
    // RFC 5084 §3.2 allows 12 octets: a tag that is easier to forge for nothing.
    if parameters.icv_len != ICV_LEN || enveloped.mac.as_bytes().len() != usize::from(ICV_LEN) {
        return Err(unsupported("AES-GCM with a tag that has not 16 octets"));
    }
    let (key, _) = content_key(enveloped.recipient_infos, recipient, random)?;
    if key.len() != cipher.key_len() {
        return Err(Error::DecryptFailed);
    }
    let mut text = Zeroizing::new([encrypted, enveloped.mac.as_bytes()].concat());
    let len = AeadKey::new(algorithm, key.expose())?.open(nonce, NO_ATTRIBUTES, &mut text)?;
    text.truncate(len);
    Ok(Decrypted { content: text.into(), is_authentic: true })
}

fn decrypt_plain(der: &[u8], recipient: &Identity, random: &dyn Random) -> Result<Decrypted> {
    let enveloped: EnvelopedData<'_> = exact(der, "EnvelopedData, or a field of it not accepted")?;
    let (cipher, encrypted) = checked(&enveloped.encrypted_content_info)?;
    let ContentCipher::Cbc(key_len) = cipher else {
        return Err(malformed("EnvelopedData with a cipher of AuthEnvelopedData"));
    };
    let iv = parameters_of(&enveloped.encrypted_content_info)?;
    // RFC 3565 §4.1: AES-IV ::= OCTET STRING (SIZE(16)).
    let iv = iv.decode_as::<&der::asn1::OctetStringRef>().map_err(|_| malformed("the IV of AES-CBC"))?;
    if iv.as_bytes().len() != AES_BLOCK {
        return Err(malformed("the IV of AES-CBC"));
    }
    let (key, all_version_0) = content_key(enveloped.recipient_infos, recipient, random)?;
    // RFC 5652 §6.1.
    if enveloped.version != if all_version_0 { VERSION_0 } else { VERSION_2 } {
        return Err(malformed("the version of an EnvelopedData"));
    }
    if key.len() != key_len {
        return Err(Error::DecryptFailed);
    }
    let content = aes_cbc::decrypt(key.expose(), iv.as_bytes(), encrypted)?;
    Ok(Decrypted { content, is_authentic: false })
}

/// The cipher and the ciphertext of a content that has the type id-data.
fn checked<'a>(info: &EncryptedContentInfo<'a>) -> Result<(ContentCipher, &'a [u8])> {
    if info.content_type != ID_DATA {
        return Err(unsupported(format!("an encrypted content of the type {}", info.content_type)));
    }
    Ok((ContentCipher::of(info.algorithm.oid)?, info.encrypted_content.as_bytes()))
}

fn parameters_of<'a>(info: &EncryptedContentInfo<'a>) -> Result<AnyRef<'a>> {
    info.algorithm.parameters.ok_or(malformed("the parameters of the content encryption"))
}

/// RFC 5083 §2.2: without authenticated attributes there is no associated data.
const NO_ATTRIBUTES: &[u8] = &[];

/// Octets of AES-GCM's tag.
const ICV_LEN: u8 = 16;

// RFC 5083 §2.1, RFC 5652 §6.1.
const VERSION_0: u8 = 0;
const VERSION_2: u8 = 2;
