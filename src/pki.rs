//! Keys, requests, certificates, the authority that signs them and the verifier that judges them.

mod authority;
mod certificate;
mod crl;
mod csr;
mod identity;
mod key;
mod name;
mod pem;
mod verify;

pub use authority::{Authority, Profile};
pub use certificate::{Certificate, MAX_CHAIN_LEN};
pub use crl::{Crl, RevocationReason};
pub use csr::CertificateRequest;
pub use identity::Identity;
pub use key::{KeyType, PrivateKey, PublicKey};
pub use name::{DistinguishedName, GeneralName};
pub use verify::{PeerRole, TrustStore, VerifiedPeer};
