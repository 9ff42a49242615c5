//! The customer's signature under what he has decided.

use core::time::Duration;

use super::exporter::exported;
use super::quoted::quoted;
use super::reader::Reader;
use super::{Context, Decision, OtpId, Transaction};
use crate::codepoints::SignatureScheme;
use crate::connection::Connection;
use crate::crypto::Random;
use crate::crypto::sign::KeyAlgorithm;
use crate::error::{Error, OtpError, Result};
use crate::pki::{Certificate, Identity};
use crate::secret::ct_eq;
use crate::time::UnixTime;

/// A customer's decision about one transaction, signed with the certified key and bound to the connection
/// that it was made on. Nothing in it depends on the code: six digits are found from any unkeyed hash.
///
/// It is worth what was checked: [`super::Channel::receive`] checks it before it hands out the answer, and
/// [`super::Receipt::verify`] years later.
///
/// ```no_run
/// use otls::crypto::SystemRandom;
/// use otls::otp::{Answer, Envelope, Message, SignedDecision};
///
/// # fn customer(connection: &otls::Connection, envelope: &Envelope, now: otls::UnixTime) -> otls::Result<Message> {
/// let answer = Answer::declined(envelope.id);
/// let receipt = SignedDecision::of_answer(connection, envelope, &answer, now, &SystemRandom)?;
/// Ok(Message::Answer(answer.with_receipt(receipt)))
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDecision {
    id: OtpId,
    decision: Decision,
    time: UnixTime,
    exporter: [u8; 32],
    context: Context,
    scheme: SignatureScheme,
    signature: Vec<u8>,
}

/// What a customer signs: see [`SignedDecision::sign`].
///
/// ```
/// use otls::UnixTime;
/// use otls::otp::{Context, Decision, OtpId, Statement};
///
/// let (id, context) = (OtpId([1; 16]), Context::new().with("amount", "100000.00")?);
/// let statement = Statement { id, context, decision: Decision::Declined, time: UnixTime(1_800_000_000) };
/// assert_eq!(statement.decision.to_string(), "declined");
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Which code.
    pub id: OtpId,
    /// The transaction.
    pub context: Context,
    /// What the customer decided about it.
    pub decision: Decision,
    /// When, by the customer's clock.
    pub time: UnixTime,
}

impl SignedDecision {
    /// The most octets of an encoding.
    pub const MAX_LEN: usize = FIXED_LEN + Context::MAX_ENCODED_LEN + MAX_SIGNATURE_LEN;

    /// By how much the clock of a customer may differ from the bank's (as RFC 4120 §8.2 has it).
    pub const MAX_SKEW: Duration = Duration::from_secs(300);

    /// Signs a decision with the identity that `connection` was made
    /// with: its own [`Connection::identity`] or, where it is resumed, the one of the first connection.
    ///
    /// # Errors
    /// [`crate::Error::ApiMisuse`] for a server, for another identity, before the handshake is done and
    /// where one side is anonymous; [`crate::Error::Random`].
    pub fn sign(
        connection: &Connection,
        identity: &Identity,
        statement: Statement,
        random: &dyn Random,
    ) -> Result<Self> {
        if connection.is_server() {
            return Err(Error::misuse("a receipt of a server", "the customer, a client, signs receipts"));
        }
        let exporter = exported(connection, EXPORTER_LABEL, &[])?;
        let certificate = identity.certificate();
        if connection.certificate().is_none_or(|shown| shown.to_der() != certificate.to_der()) {
            return Err(Error::misuse(
                "a receipt with another certificate than the connection's",
                "sign with the identity that the connection was made with",
            ));
        }
        let algorithm = identity.key().algorithm();
        let scheme = connection.scheme().filter(|scheme| algorithm.supports(*scheme));
        let scheme = scheme.unwrap_or(scheme_of(algorithm));
        let Statement { id, context, decision, time } = statement;
        let unsigned = Self { id, decision, time, exporter, context, scheme, signature: Vec::new() };
        let signature =
            identity.key().sign(scheme, &unsigned.signed_content(&certificate.fingerprint()), random)?;
        Ok(Self { signature, ..unsigned })
    }

    /// Which code.
    pub const fn id(&self) -> OtpId {
        self.id
    }

    /// The transaction.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// What the customer decided about it.
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// When, by the customer's clock.
    pub const fn time(&self) -> UnixTime {
        self.time
    }

    /// The signature's scheme.
    pub const fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// What the customer read, with dots for the code, where the transaction has a template.
    pub fn text(&self) -> Option<String> {
        Transaction::from_context(&self.context).and_then(|known| known.text_without_code()).ok()
    }

    /// Compares with the transaction that the bank means.
    ///
    /// # Errors
    /// [`OtpError::Receipt`], which names the first field that differs.
    pub fn check_context(&self, expected: &Context) -> Result<()> {
        let mut names: Vec<&str> =
            expected.fields().chain(self.context.fields()).map(|(name, _)| name).collect();
        names.sort_unstable();
        for name in names {
            let why = match (self.context.get(name), expected.get(name)) {
                (signed, meant) if signed == meant => continue,
                (Some(signed), Some(meant)) => {
                    format!("its {} is {}, not {}", quoted(name), quoted(signed), quoted(meant))
                }
                (None, _) => format!("it lacks {}", quoted(name)),
                (Some(_), None) => format!("it has {}, which the transaction has not", quoted(name)),
            };
            return Err(refused(&why));
        }
        Ok(())
    }

    /// Checks the signature with the key of `certificate`, which must be the one that was signed with. Who
    /// that is, and whether to trust it, is another question: see [`super::Receipt::verify`].
    ///
    /// # Errors
    /// [`OtpError::Receipt`].
    pub fn verify(&self, certificate: &Certificate) -> Result<()> {
        let key = certificate.public_key();
        if !SCHEMES.contains(&self.scheme) || !key.algorithm().supports(self.scheme) {
            return Err(refused("its signature scheme does not fit the certificate's key"));
        }
        let verified =
            key.verify(self.scheme, &self.signed_content(&certificate.fingerprint()), &self.signature);
        verified.map_err(|_| refused("its signature does not verify with the certificate's key"))
    }

    /// The octets (docs/PROTOCOL.md).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.encode_decision();
        out.extend_from_slice(&self.scheme.0.to_be_bytes());
        out.extend_from_slice(&len_u16(&self.signature));
        out.extend_from_slice(&self.signature);
        out
    }

    /// Reads the octets; nothing is verified.
    ///
    /// # Errors
    /// [`OtpError::Receipt`] for an unknown version or decision, lengths out of bounds, a context that is
    /// none, and octets that follow.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Self::read(bytes).map_err(refused)
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err("unknown version of the receipt");
        }
        let id = OtpId(reader.array()?);
        let decision = Decision::of(reader.u8()?)?;
        let time = UnixTime(reader.u64()?);
        let exporter = reader.array()?;
        let context_len = usize::from(reader.u16()?);
        let context = Context::read(reader.take(context_len)?)?;
        let scheme = SignatureScheme(reader.u16()?);
        let signature_len = usize::from(reader.u16()?);
        if !(1..=MAX_SIGNATURE_LEN).contains(&signature_len) {
            return Err("a signature that is empty or longer than 1024 octets");
        }
        let signature = reader.take(signature_len)?.to_vec();
        reader.finish()?;
        Ok(Self { id, decision, time, exporter, context, scheme, signature })
    }

    /// What a bank checks of a receipt that comes with an answer about `id`.
    pub(super) fn check(
        &self,
        connection: &Connection,
        id: OtpId,
        decision: Decision,
        now: UnixTime,
    ) -> Result<()> {
        if self.id != id || self.decision != decision {
            return Err(refused("it is for another code or decision than its answer"));
        }
        if !ct_eq(&self.exporter, &exported(connection, EXPORTER_LABEL, &[])?) {
            return Err(refused("it was made for another connection"));
        }
        if self.time.0.abs_diff(now.0) > Self::MAX_SKEW.as_secs() {
            return Err(refused("its time is more than five minutes from ours"));
        }
        let Some(peer) = connection.peer() else { return Err(Error::Internal("a receipt of nobody")) };
        let certificate = peer.certificate();
        // Later it is judged as of its own time, which the customer has chosen.
        if !(certificate.not_before()..=certificate.not_after()).contains(&self.time) {
            return Err(refused("its time is outside the validity of the customer's certificate"));
        }
        self.verify(certificate)
    }

    /// RFC 8446 §4.4.3: padding and a context string of its own keep this signature from being taken for
    /// one of a handshake, and the reverse. The certificate is signed as well, so that another one for the
    /// same key cannot be put in its place.
    fn signed_content(&self, certificate: &[u8; 32]) -> Vec<u8> {
        let mut content = vec![0x20; 64];
        content.extend_from_slice(CONTEXT_STRING);
        content.push(0);
        content.extend_from_slice(&self.encode_decision());
        content.extend_from_slice(&self.scheme.0.to_be_bytes());
        content.extend_from_slice(certificate);
        content
    }

    fn encode_decision(&self) -> Vec<u8> {
        let context = self.context.encode();
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.id.0);
        out.push(self.decision.octet());
        out.extend_from_slice(&self.time.0.to_be_bytes());
        out.extend_from_slice(&self.exporter);
        out.extend_from_slice(&len_u16(&context));
        out.extend_from_slice(&context);
        out
    }
}

/// The scheme of a key where the connection has none of its own.
const fn scheme_of(algorithm: KeyAlgorithm) -> SignatureScheme {
    match algorithm {
        KeyAlgorithm::Rsa(_) => SignatureScheme::RSA_PSS_RSAE_SHA256,
        KeyAlgorithm::EcdsaP256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
        KeyAlgorithm::EcdsaP384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
        KeyAlgorithm::EcdsaP521 => SignatureScheme::ECDSA_SECP521R1_SHA512,
        KeyAlgorithm::Ed25519 => SignatureScheme::ED25519,
    }
}

// Both lengths have bounds that fit; the longest value makes a reader refuse what is not.
fn len_u16(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes()
}

pub(super) fn refused(why: &str) -> Error {
    OtpError::Receipt(why.to_owned()).into()
}

/// The schemes that a handshake may be signed with; PKCS#1 v1.5 is for certificates alone.
const SCHEMES: [SignatureScheme; 5] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::ED25519,
];

const VERSION: u8 = 1;

/// Octets beside context and signature.
const FIXED_LEN: usize = 1 + 16 + 1 + 8 + 32 + 2 + 2 + 2;

/// RSA with 8192 bits.
const MAX_SIGNATURE_LEN: usize = 1024;

/// The exporter's label (docs/PROTOCOL.md).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-otls-receipt";

const CONTEXT_STRING: &[u8] = b"otls OTP receipt 1";

#[cfg(test)]
mod tests;
