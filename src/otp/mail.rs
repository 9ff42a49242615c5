//! The envelope for a customer who is not connected: a signed and encrypted message (docs/PROTOCOL.md).

use zeroize::Zeroizing;

use super::Envelope;
use super::message::{decode_envelope, encode_envelope};
use super::reader::Reader;
use crate::cms;
use crate::crypto::Random;
use crate::error::{OtpError, Result};
use crate::pki::{Certificate, Identity, VerifiedPeer, VerifyOptions};
use crate::secret::ct_eq;
use crate::time::UnixTime;

/// An envelope that came by a push message, a mail box or a file, and the bank that has signed it.
///
/// The bank signs the envelope together with the customer's certificate and encrypts that to the customer
/// ([`cms::seal`]). So nobody else can read it, nobody can change it, and the customer cannot pass it on as if
/// it was for another: what it is for is signed.
///
/// A message can be opened more than once, on more than one device; the ledger accepts its code once. The
/// customer answers over a connection.
///
/// ```
/// use core::time::Duration;
/// use otls::crypto::{SystemRandom, hash::HashAlgorithm};
/// use otls::otp::{CodeRequest, Amount, Envelope, Ledger, Mail, MemoryStore, Transaction};
/// use otls::pki::{VerifyOptions, Validity,
///     Authority, CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PeerRole,
///     PrivateKey, Profile, TrustStore,
/// };
/// use otls::{Secret, UnixTime};
///
/// let (now, random) = (UnixTime(1_800_000_000), SystemRandom);
/// let ca = Authority::create(
///     PrivateKey::generate(KeyType::EcdsaP256, &random)?,
///     &DistinguishedName::with_common_name("Private CA"),
///     HashAlgorithm::Sha256,
///     Validity::days(now, 1),
///     &random,
/// )?;
/// let name = GeneralName::parse("bank.example")?;
/// let identity = |cn: &str, names: &[GeneralName], profile| -> otls::Result<Identity> {
///     let key = PrivateKey::generate(KeyType::EcdsaP256, &random)?;
///     let cn = DistinguishedName::with_common_name(cn);
///     let request = CertificateRequest::create(&key, &cn, names, HashAlgorithm::Sha256, &random)?;
///     Identity::new(ca.issue(&request, profile, Validity::new(now, Duration::from_secs(3600)), &random)?.into(), key)
/// };
/// let bank = identity("bank", &[name.clone()], Profile::Server)?;
/// let asha = identity("Asha", &[], Profile::Client)?;
///
/// let ledger = Ledger::new(Box::new(MemoryStore::default()), Secret::from(vec![7; 32]))?;
/// let payment = Transaction {
///     purpose: "transfer".to_owned(),
///     amount: Some(Amount::new(10_000_000, "INR")?),
///     payee: Some("your friend's account".to_owned()),
///     template: "The OTP for transferring {amount} to {payee} is {code}.".to_owned(),
///     ..Transaction::default()
/// };
/// let issued = ledger.issue(&CodeRequest::new("asha", &payment.context()?), now, &random)?;
/// let envelope = Envelope::for_transaction(&issued, &payment)?;
/// let message = Mail::seal(&envelope, &bank, asha.certificate(), now, &random)?;
///
/// let mut trust = TrustStore::new();
/// trust.add_authority(ca.certificate())?;
/// let mail = Mail::open(&message, &asha, &VerifyOptions::new(&trust, &PeerRole::Server(name), now), &random)?;
/// assert_eq!(mail.envelope.code.expose(), issued.code.expose().as_bytes());
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Debug)]
pub struct Mail {
    /// What the bank has sent.
    pub envelope: Envelope,
    /// The bank.
    pub signer: VerifiedPeer,
}

impl Mail {
    /// Signs `envelope` and encrypts it to the holder of `recipient`: a DER message for `openssl cms` as much
    /// as for [`Mail::open`].
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a field out of bounds; [`crate::Error::BadCertificate`] for a recipient
    /// whose KeyUsage does not allow it; [`crate::Error::Random`].
    pub fn seal(
        envelope: &Envelope,
        signer: &Identity,
        recipient: &Certificate,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Vec<u8>> {
        // Allocated once, so that growing leaves no copy of a secret behind.
        let mut content = Zeroizing::new(Vec::with_capacity(MAX_CONTENT_LEN));
        content.extend_from_slice(LABEL);
        content.push(VERSION);
        content.extend_from_slice(&recipient.fingerprint());
        encode_envelope(envelope, &mut content)?;
        cms::seal(&content, signer, recipient, now, random)
    }

    /// Opens a message that was sent to `recipient`. The bank's certificate is judged by `options`:
    /// [`crate::pki::PeerRole::Server`] with the bank's name.
    ///
    /// # Errors
    /// Those of [`cms::open`]. [`OtpError::Malformed`] for a content that is no envelope;
    /// [`OtpError::WrongBinding`] for one that was signed for another recipient; [`OtpError::Expired`];
    /// [`OtpError::FreeText`] for an envelope whose context has no template.
    pub fn open(
        message: &[u8],
        recipient: &Identity,
        options: &VerifyOptions<'_>,
        random: &dyn Random,
    ) -> Result<Self> {
        let mail = Self::decrypt(message, recipient, options, random)?;
        mail.envelope.check_shown(false)?;
        Ok(mail)
    }

    /// Opens a message as [`Mail::open`] does, one with a text of the bank's own included: see
    /// [`super::Channel::with_free_text`] for what that gives up.
    ///
    /// # Errors
    /// As [`Mail::open`], and [`OtpError::Transaction`] for a free text with characters that mislead.
    pub fn open_free_text(
        message: &[u8],
        recipient: &Identity,
        options: &VerifyOptions<'_>,
        random: &dyn Random,
    ) -> Result<Self> {
        let mail = Self::decrypt(message, recipient, options, random)?;
        mail.envelope.check_shown(true)?;
        Ok(mail)
    }

    fn decrypt(
        message: &[u8],
        recipient: &Identity,
        options: &VerifyOptions<'_>,
        random: &dyn Random,
    ) -> Result<Self> {
        let opened = cms::open(message, recipient, options, random)?;
        let own = recipient.certificate().fingerprint();
        let envelope = decode(opened.content.expose(), &own)?;
        if options.now() >= envelope.expires_at {
            return Err(OtpError::Expired.into());
        }
        Ok(Self { envelope, signer: opened.signer })
    }
}

fn decode(content: &[u8], recipient: &[u8; 32]) -> Result<Envelope, OtpError> {
    let mut reader = Reader::new(content);
    let label = reader.take(LABEL.len()).map_err(OtpError::Malformed)?;
    if label != LABEL {
        return Err(OtpError::Malformed("a signed content that is no OTP mail"));
    }
    if reader.u8().map_err(OtpError::Malformed)? != VERSION {
        return Err(OtpError::Malformed("unknown version"));
    }
    let bound_to: [u8; 32] = reader.array().map_err(OtpError::Malformed)?;
    if !ct_eq(&bound_to, recipient) {
        return Err(OtpError::WrongBinding);
    }
    let envelope = decode_envelope(&mut reader).map_err(OtpError::Malformed)?;
    reader.finish().map_err(OtpError::Malformed)?;
    Ok(envelope)
}

/// What the bank signs with its key elsewhere does not begin like this.
const LABEL: &[u8] = b"otls OTP mail";

const VERSION: u8 = 1;

/// More than the longest content has: label, version and certificate are 46 octets, and the longest envelope
/// has less than 12,369.
const MAX_CONTENT_LEN: usize = 16_384;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::common::{NOW, World, bank_name, trust};
    use crate::crypto::SystemRandom;
    use crate::otp::{Context, OtpId, Transaction};
    use crate::pki::{KeyType, PeerRole};
    use crate::secret::Secret;

    fn content(change: impl FnOnce(&mut Vec<u8>)) -> Result<Envelope, OtpError> {
        let envelope = Envelope {
            id: OtpId([1; 16]),
            text: Secret::from(b"The OTP is 256345.".to_vec()),
            code: Secret::from(b"256345".to_vec()),
            context: Context::new().with("amount", "100000.00").unwrap(),
            issued_at: UnixTime(1_800_000_000),
            expires_at: UnixTime(1_800_000_120),
        };
        let mut content = [LABEL, &[VERSION], &[7; 32]].concat();
        encode_envelope(&envelope, &mut content).unwrap();
        change(&mut content);
        decode(&content, &[7; 32])
    }

    #[test]
    fn a_content_survives_its_encoding() {
        let envelope = content(|_| ()).unwrap();
        assert_eq!(envelope.code.expose(), b"256345");
        assert_eq!(envelope.expires_at, UnixTime(1_800_000_120));
    }

    #[test]
    fn a_sealed_mail_opens_for_its_recipient() {
        let world = World::new(KeyType::EcdsaP256);
        let shown = Transaction {
            purpose: "sign in".to_owned(),
            template: "The code to {purpose} is {code}.".to_owned(),
            ..Transaction::default()
        };
        let envelope = Envelope {
            id: OtpId([1; 16]),
            text: Secret::from(b"The code to sign in is 256345.".to_vec()),
            code: Secret::from(b"256345".to_vec()),
            context: shown.context().unwrap(),
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_secs(120)),
        };
        let sealed =
            Mail::seal(&envelope, &world.server, world.client.certificate(), NOW, &SystemRandom).unwrap();
        let role = PeerRole::Server(bank_name());
        let trust = trust(&world.authority);
        let mail = Mail::open(&sealed, &world.client, &VerifyOptions::new(&trust, &role, NOW), &SystemRandom)
            .unwrap();
        assert_eq!(mail.envelope.text.expose(), b"The code to sign in is 256345.");
    }

    /// The example in docs/PROTOCOL.md, which another program put together.
    #[test]
    fn a_content_has_the_octets_of_the_protocol_document() {
        let document = include_str!("../../docs/PROTOCOL.md");
        let digits = document.split("```hex\nmail ").nth(1).unwrap().split("```").next().unwrap();
        let digits = digits.replace([' ', '=', '\n'], "");
        let documented: Vec<u8> = (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect();
        let envelope = decode(&documented, documented[14..46].try_into().unwrap()).unwrap();
        assert_eq!(envelope.id, OtpId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
        let text = b"The OTP for transferring Rs 1,00,000 to your friend's account is 256345.";
        assert_eq!(envelope.text.expose(), text);
        let mut content = documented[..46].to_vec();
        encode_envelope(&envelope, &mut content).unwrap();
        assert_eq!(content, documented);
        assert_eq!(&content[..14], [LABEL, &[VERSION]].concat());
    }

    #[test]
    fn every_truncation_and_a_trailing_octet_are_refused() {
        let len = {
            let mut len = 0;
            content(|content| len = content.len()).unwrap();
            len
        };
        for cut in 0..len {
            let refused = content(|content| content.truncate(cut)).err();
            assert!(matches!(refused, Some(OtpError::Malformed(_))), "{cut}");
        }
        assert!(matches!(content(|content| content.push(0)).err(), Some(OtpError::Malformed(_))));
    }

    #[test]
    fn another_label_version_and_recipient_are_refused_each_by_name() {
        let malformed = |at: usize| match content(|content| content[at] ^= 1).err() {
            Some(OtpError::Malformed(what)) => what,
            _ => "not refused as malformed",
        };
        assert_eq!(malformed(0), "a signed content that is no OTP mail");
        assert_eq!(malformed(LABEL.len()), "unknown version");
        let other = content(|content| content[LABEL.len() + 1] ^= 1).err();
        assert_eq!(other, Some(OtpError::WrongBinding));
    }
}
