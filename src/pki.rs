//! Keys, requests, certificates, the authority that signs them and the verifier that judges them.

mod attribute;
mod authority;
mod canonical;
mod certificate;
pub(crate) mod chain;
#[cfg(test)]
mod constant_time;
mod constraints;
mod crl;
mod csr;
mod encoded;
mod encrypted;
mod extension_text;
mod extensions;
mod finding;
pub(crate) mod fold;
pub(crate) mod found;
mod general_name;
mod hex;
mod identity;
mod key;
mod key_format;
mod moment;
mod name;
mod name_form;
pub(crate) mod parts;
pub(crate) mod pem;
mod pkcs12;
pub(crate) mod pkcs7;
mod profile;
mod signature;
mod text;
mod tlv;
mod traditional;
mod validity;
mod verify;

pub use authority::{Authority, AuthorityTerms, BACKDATE, Profile};
pub use certificate::{Certificate, MAX_CERTIFICATE_LEN, MAX_CHAIN_LEN};
pub use chain::Chain;
pub use constraints::NameConstraints;
pub use crl::{Crl, MAX_CRL_LEN, RevocationReason, Revoked};
pub use csr::{CertificateRequest, MAX_REQUEST_LEN, MAX_REQUEST_NAMES};
pub use general_name::GeneralName;
pub use identity::Identity;
pub use key::{KeyType, PrivateKey, PublicKey};
pub use key_format::{Encoding, KeyEncryption, KeyFormat};
pub(crate) use moment::show;
pub use name::{DistinguishedName, MAX_NAME_ATTRIBUTES, MAX_NAME_LEN, NameAttribute};
pub use pkcs7::MAX_BUNDLE_LEN;
pub use pkcs12::{MAX_PKCS12_LEN, Pkcs12, Pkcs12Mac, Pkcs12Options};
#[cfg(test)]
pub(crate) use signature::VERIFIED;
pub use validity::Validity;
pub(crate) use verify::{KeptPeer, Passed, Verdict};
pub use verify::{PeerRole, TrustStore, VerifiedPeer, VerifyOptions};
