//! Messages for somebody who is not connected: signed, and encrypted to the holder of a certificate
//! (Cryptographic Message Syntax, RFC 5652).
//!
//! [`seal`] signs a content (SignedData) and encrypts that to one recipient (AuthEnvelopedData with
//! AES-256-GCM, RFC 5083; the key by RSAES-OAEP or ephemeral ECDH). [`open`] gives the content only where
//! everything holds: it decrypts, the signature is right, the signer is trusted. `openssl cms` reads what is
//! made here, and what it makes is read (docs/keys.md).
//!
//! Messages are made in DER, and read in DER or PEM. What RFC 5652 leaves optional and this has no use for is refused: other attributes,
//! revocation lists, unsigned and unauthenticated fields.

mod algorithm;
mod asn1;
mod carrier;
mod enveloped;
pub(crate) mod outline;
mod recipient;
mod signed;

pub use recipient::MAX_RECIPIENTS;

use crate::crypto::Random;
use crate::error::{Error, Result};
use crate::pki::{Certificate, Identity, VerifiedPeer, VerifyOptions};
use crate::secret::Secret;
use crate::time::UnixTime;

/// The most octets of a message: it is in memory as a whole, several times. Enough for a statement of
/// account, not for films.
pub const MAX_MESSAGE_LEN: usize = 16 << 20;

/// A content, and who has signed it.
///
/// ```
/// use otls::cms::Verified;
///
/// fn show(verified: &Verified) -> String {
///     format!("{} octets of {}", verified.content.len(), verified.signer.certificate().subject())
/// }
/// ```
#[derive(Debug)]
pub struct Verified {
    /// What was signed.
    pub content: Secret,
    /// Who has signed it.
    pub signer: VerifiedPeer,
    /// When, as the signer says.
    pub signed_at: Option<UnixTime>,
}

/// Signs `content` and encrypts it to the holder of `recipient`, whose certificate is taken as it is: whoever
/// does not know it verifies it first ([`crate::pki::TrustStore::verify`]). The content does not say for whom it is; where
/// that matters, as it does for [`crate::otp::Mail`], it has to be in the content.
///
/// ```
/// use core::time::Duration;
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::pki::{VerifyOptions, Validity,
///     Authority, CertificateRequest, DistinguishedName, Identity, KeyType, PeerRole, PrivateKey, Profile,
///     TrustStore,
/// };
/// use otls::{UnixTime, cms};
///
/// let (now, random) = (UnixTime(1_800_000_000), SystemRandom);
/// let ca = Authority::create(
///     PrivateKey::generate(KeyType::EcdsaP256, &random)?,
///     &DistinguishedName::with_common_name("Private CA"),
///     HashAlgorithm::Sha256,
///     Validity::days(now, 1),
///     &random,
/// )?;
/// let identity = |name: &str| -> otls::Result<Identity> {
///     let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
///     let name = DistinguishedName::with_common_name(name);
///     let request = CertificateRequest::create(&key, &name, &[], HashAlgorithm::Sha256, &random)?;
///     Identity::new(ca.issue(&request, Profile::Client, Validity::new(now, Duration::from_secs(3600)), &random)?.into(), key)
/// };
/// let (ravi, asha) = (identity("Ravi")?, identity("Asha")?);
///
/// let sealed = cms::seal(b"see you at six", &ravi, asha.certificate(), now, &random)?;
///
/// let mut trust = TrustStore::new();
/// trust.add_authority(ca.certificate())?;
/// let opened = cms::open(&sealed, &asha, &VerifyOptions::new(&trust, &PeerRole::Client, now), &random)?;
/// assert_eq!(opened.content.expose(), b"see you at six");
/// assert_eq!(opened.signer.certificate(), ravi.certificate());
/// assert!(cms::open(&sealed, &ravi, &VerifyOptions::new(&trust, &PeerRole::Client, now), &random).is_err());
/// # Ok::<(), otls::Error>(())
/// ```
///
/// # Errors
/// [`Error::BadCertificate`] for a recipient whose KeyUsage does not allow it; [`Error::ApiMisuse`] for more
/// than [`MAX_MESSAGE_LEN`]; [`Error::Random`].
pub fn seal(
    content: &[u8],
    signer: &Identity,
    recipient: &Certificate,
    now: UnixTime,
    random: &dyn Random,
) -> Result<Vec<u8>> {
    check_content(content)?;
    let signed = signed::sign(content, signer, now, random)?;
    bounded(enveloped::encrypt(&signed, recipient, random)?)
}

/// Opens what [`seal`] or `openssl cms` has made (signed, then encrypted). The signer's certificate is judged
/// by `options`.
///
/// EnvelopedData with AES-CBC, OpenSSL's default, is read too. It authenticates nothing, so everything that is
/// wrong behind the encryption, a signer who is not trusted included, is then [`Error::DecryptFailed`]: any
/// finer answer would tell who changes the ciphertext on purpose about the content. The time that it takes
/// still does; whoever answers strangers asks them for AES-GCM.
///
/// # Errors
/// [`crate::error::CmsError`] for what is not such a message, or for others; [`Error::DecryptFailed`];
/// [`crate::error::KeyError::BadSignature`]; [`Error::BadCertificate`] for the signer.
pub fn open(
    message: &[u8],
    recipient: &Identity,
    options: &VerifyOptions<'_>,
    random: &dyn Random,
) -> Result<Verified> {
    let message = der_of(message)?;
    let decrypted = enveloped::decrypt(&message, recipient, random)?;
    let signed = decrypted.content.expose();
    let verified = judge(signed, None, options);
    if !decrypted.is_authentic {
        return verified.map_err(|_| Error::DecryptFailed);
    }
    if signed::is_message(signed) { verified } else { Err(carrier::unsigned(signed).into()) }
}

/// Signs `content` for everybody to read: SignedData that has the content and the signer's chain in it. An RSA
/// key signs with RSASSA-PSS and SHA-256.
///
/// ```no_run
/// # fn publish(bank: &otls::pki::Identity, now: otls::UnixTime) -> otls::Result<()> {
/// let signed = otls::cms::sign(b"our new address", bank, now, &otls::crypto::SystemRandom)?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`Error::ApiMisuse`] for more than [`MAX_MESSAGE_LEN`]; [`Error::Random`].
pub fn sign(content: &[u8], signer: &Identity, now: UnixTime, random: &dyn Random) -> Result<Vec<u8>> {
    check_content(content)?;
    bounded(signed::sign(content, signer, now, random)?.expose().to_vec())
}

/// Verifies what [`sign`] or `openssl cms -sign -nodetach` has made, as [`open`] does.
///
/// # Errors
/// As [`open`], without those of decryption; [`crate::error::CmsError::ContentMissing`] for a message without its content.
pub fn verify(message: &[u8], options: &VerifyOptions<'_>) -> Result<Verified> {
    judge(&der_of(message)?, None, options)
}

/// Verifies a signature of `content`, which is not in the message (detached), as `openssl cms -sign` makes it; it
/// comes back as the content that was signed.
///
/// ```no_run
/// # use otls::pki::VerifyOptions;
/// # fn read(signature: &[u8], statement: &[u8], options: &VerifyOptions<'_>) -> otls::Result<()> {
/// let verified = otls::cms::verify_detached(signature, statement, options)?;
/// println!("signed by {}", verified.signer.certificate().subject());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`verify`]; [`crate::error::CmsError::ContentInside`] for a message with its content.
pub fn verify_detached(message: &[u8], content: &[u8], options: &VerifyOptions<'_>) -> Result<Verified> {
    check_content(content)?;
    judge(&der_of(message)?, Some(content), options)
}

fn judge(message: &[u8], detached: Option<&[u8]>, options: &VerifyOptions<'_>) -> Result<Verified> {
    let signed = signed::verify(message, detached)?;
    let signer = options.verify(&signed.chain)?;
    check_usage(signer.certificate())?;
    Ok(Verified { content: signed.content, signer, signed_at: signed.signed_at })
}

/// RFC 5280 §4.2.1.3, which [`PeerRole::Any`] leaves open: a key that signs content may sign.
fn check_usage(signer: &Certificate) -> Result<()> {
    let usages = signer.key_usages();
    if usages.is_empty() || usages.iter().any(|usage| matches!(*usage, "digitalSignature" | "nonRepudiation"))
    {
        return Ok(());
    }
    Err(recipient::wrong_usage(signer, "KeyUsage has neither digitalSignature nor nonRepudiation".to_owned()))
}

fn check_content(content: &[u8]) -> Result<()> {
    if content.len() > MAX_MESSAGE_LEN { Err(TOO_LONG) } else { Ok(()) }
}

/// The DER of a message, which is not longer than it may be. PEM has four octets for three, and ends of lines.
fn der_of(message: &[u8]) -> Result<asn1::Octets> {
    let is_der = message.first() == Some(&0x30);
    let most = if is_der { MAX_MESSAGE_LEN } else { MAX_MESSAGE_LEN + MAX_MESSAGE_LEN / 2 };
    let too_long = || asn1::malformed("it has more than 16 MiB");
    if message.len() > most {
        return Err(too_long());
    }
    let der = carrier::der_of(message)?;
    if der.len() > MAX_MESSAGE_LEN { Err(too_long()) } else { Ok(der) }
}

fn bounded(message: Vec<u8>) -> Result<Vec<u8>> {
    if message.len() > MAX_MESSAGE_LEN { Err(TOO_LONG) } else { Ok(message) }
}

const TOO_LONG: Error = Error::misuse(
    "a message of more than 16 MiB",
    "encrypt the data with an AEAD, and send its key as a message",
);

#[cfg(test)]
mod tests;
