//! The flags that say who a certificate is for.

use clap::Args;
use otls::crypto::hash::HashAlgorithm;
use otls::crypto::sign::KeyAlgorithm;
use otls::pki::{DistinguishedName, GeneralName, KeyType};

use crate::failure::{About as _, Failure};

/// A subject.
#[derive(Args)]
pub(crate) struct Subject {
    /// Common name (CN).
    #[arg(long, value_name = "TEXT", default_value = "", required_unless_present = "attribute")]
    name: String,
    /// Country (C): two letters.
    #[arg(long, value_name = "TEXT", default_value = "")]
    country: String,
    /// State or province (ST).
    #[arg(long, value_name = "TEXT", default_value = "")]
    state: String,
    /// Locality (L).
    #[arg(long, value_name = "TEXT", default_value = "")]
    locality: String,
    /// Organisation (O).
    #[arg(long, value_name = "TEXT", default_value = "")]
    organisation: String,
    /// Organisational unit (OU).
    #[arg(long, value_name = "TEXT", default_value = "")]
    unit: String,
    /// E-mail address (emailAddress).
    #[arg(long, value_name = "TEXT", default_value = "")]
    email: String,
    /// Number of the subject itself (serialNumber).
    #[arg(long, value_name = "TEXT", default_value = "")]
    serial_number: String,
    /// Another attribute, such as `UID=1001`, `DC=example` or `1.2.3.4=text`, behind those of other flags and in
    /// the order of these; may be repeated, also for one type.
    #[arg(long, value_name = "TYPE=TEXT")]
    attribute: Vec<String>,
}

impl Subject {
    pub(crate) fn distinguished_name(&self) -> Result<DistinguishedName, Failure> {
        let mut name = DistinguishedName::default();
        for (kind, value) in [
            ("C", &self.country),
            ("ST", &self.state),
            ("L", &self.locality),
            ("O", &self.organisation),
            ("OU", &self.unit),
            ("CN", &self.name),
            ("serialNumber", &self.serial_number),
            ("emailAddress", &self.email),
        ] {
            name.set(kind, value).about("subject")?;
        }
        for attribute in &self.attribute {
            let (kind, value) = attribute.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--attribute {attribute:?} has no \"=\""), "write it as UID=1001")
            })?;
            name.add(kind, value).about(format!("--attribute {attribute:?}"))?;
        }
        name.check().about("subject")?;
        Ok(name)
    }
}

pub(crate) fn general_names(texts: &[String]) -> Result<Vec<GeneralName>, Failure> {
    texts.iter().map(|text| GeneralName::parse(text).about("--san")).collect()
}

/// The kinds of key, as `--type` names them.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Kind {
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

impl From<Kind> for KeyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Rsa2048 => Self::Rsa2048,
            Kind::Rsa3072 => Self::Rsa3072,
            Kind::Rsa4096 => Self::Rsa4096,
            Kind::P256 => Self::EcdsaP256,
            Kind::P384 => Self::EcdsaP384,
            Kind::Ed25519 => Self::Ed25519,
        }
    }
}

/// The hashes, as `--hash` names them.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
}

/// What was asked for, or the hash that goes with the key.
pub(crate) fn hash_for(wish: Option<Hash>, key: KeyAlgorithm) -> HashAlgorithm {
    match (wish, key) {
        (Some(Hash::Sha256), _) => HashAlgorithm::Sha256,
        (Some(Hash::Sha384), _) | (None, KeyAlgorithm::EcdsaP384) => HashAlgorithm::Sha384,
        // Ed25519 has a hash of its own.
        (None, _) => HashAlgorithm::Sha256,
    }
}
