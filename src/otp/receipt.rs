//! A receipt that is kept: one file that proves who decided what, without a connection.

use super::SignedDecision;
use super::signed_decision::refused;
use crate::connection::Connection;
use crate::crypto::hash::{HashAlgorithm, digest};
use crate::error::Result;
use crate::pki::found;
use crate::pki::pem::{self, Kind};
use crate::pki::{Certificate, Chain, MAX_CHAIN_LEN, PeerRole, TrustStore, VerifiedPeer};

/// A [`SignedDecision`] with the customer's certificate chain, as one PEM file.
///
/// ```no_run
/// use otls::otp::Receipt;
/// use otls::pki::TrustStore;
///
/// # fn auditor(file: &[u8], trust: &TrustStore) -> otls::Result<()> {
/// let receipt = Receipt::load(file)?;
/// let customer = receipt.verify(trust)?;
/// let signed = receipt.signed();
/// println!("{} {} at {}", customer.certificate().subject(), signed.decision(), signed.time().0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Receipt {
    signed: SignedDecision,
    chain: Chain,
}

impl Receipt {
    /// The most octets of a file: ten certificates of 64 KiB in base64.
    pub const MAX_LEN: usize = 1 << 20;

    /// The receipt of a decision that was signed on `connection`, on either side.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Receipt`] if the client of the connection has not signed it.
    pub fn new(signed: SignedDecision, connection: &Connection) -> Result<Self> {
        let chain = match (connection.is_server(), connection.identity()) {
            (true, _) => connection.peer().map(|peer| peer.chain().clone()),
            (false, Some(identity)) => Some(identity.chain().clone()),
            (false, None) => connection.certificate().cloned().map(Chain::from),
        };
        let Some(chain) = chain else { return Err(refused("the client has no certificate")) };
        signed.verify(chain.leaf())?;
        Ok(Self { signed, chain })
    }

    /// What was signed.
    pub const fn signed(&self) -> &SignedDecision {
        &self.signed
    }

    /// The customer's certificates.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The file: a block OTLS RECEIPT, and the certificates.
    pub fn to_pem(&self) -> String {
        let mut body = self.signed.encode();
        body.extend_from_slice(&fingerprint(&body, &self.chain));
        pem::encode(pem::RECEIPT_LABEL, &body) + &self.chain.to_pem()
    }

    /// Reads a file exactly as it was written; nothing is verified yet.
    ///
    /// # Errors
    /// [`crate::error::OtpError::Receipt`], also for any octet that is not as it was written;
    /// [`crate::Error::Certificate`].
    pub fn load(data: &[u8]) -> Result<Self> {
        if data.len() > Self::MAX_LEN {
            return Err(refused("the file has more than 1 MiB"));
        }
        let sections = found::sections(data).map_err(|unfit| refused(unfit.what()))?;
        let Some((first, certificates)) =
            sections.split_first().filter(|(first, _)| first.kind == Kind::Receipt)
        else {
            return Err(refused(&format!("there is none: {}", found::describe(&sections).what())));
        };
        if certificates.is_empty() || certificates.len() > MAX_CHAIN_LEN {
            return Err(refused("it comes with no certificate, or with more than 10"));
        }
        if certificates.iter().any(|section| section.kind != Kind::Certificate) {
            return Err(refused("something other than certificates follows it"));
        }
        let body = first.der().map_err(refused)?;
        let Some((octets, expected)) = body.split_last_chunk::<FINGERPRINT_LEN>() else {
            return Err(refused("it is cut short"));
        };
        let signed = SignedDecision::decode(octets)?;
        let load = |section: &pem::Section<'_>| Certificate::load(&section.der().map_err(refused)?);
        let chain: Vec<Certificate> = certificates.iter().map(load).collect::<Result<_>>()?;
        let receipt = Self { signed, chain: Chain::new(chain)? };
        if fingerprint(octets, &receipt.chain) != *expected || receipt.to_pem().as_bytes() != data {
            return Err(refused("the file is not as it was written: somebody has edited it"));
        }
        Ok(receipt)
    }

    /// Judges it without a connection: the chain as a client's, at the receipt's own time, and the
    /// signature. Who it is, the returned peer says; what and when, [`Receipt::signed`]. A revocation
    /// list in `trust` counts as it stands, so that whoever is on one of a later day is refused as well.
    ///
    /// # Errors
    /// [`crate::Error::BadCertificate`] with the report; [`crate::error::OtpError::Receipt`].
    pub fn verify(&self, trust: &TrustStore) -> Result<VerifiedPeer> {
        let peer = trust.verify(&self.chain, &PeerRole::Client, self.signed.time())?;
        self.signed.verify(peer.certificate())?;
        Ok(peer)
    }
}

/// SHA-256 over receipt and certificates, each after its length in 8 octets: finds an accident anywhere, also
/// where the signature does not reach. Against intent there is the signature.
fn fingerprint(receipt: &[u8], chain: &[Certificate]) -> [u8; FINGERPRINT_LEN] {
    let mut content = Vec::new();
    for part in core::iter::once(receipt).chain(chain.iter().map(Certificate::to_der)) {
        content.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        content.extend_from_slice(part);
    }
    let mut fingerprint = [0; FINGERPRINT_LEN];
    fingerprint.copy_from_slice(digest(HashAlgorithm::Sha256, &content).as_ref());
    fingerprint
}

const FINGERPRINT_LEN: usize = 32;
