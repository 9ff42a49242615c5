//! A verified peer as a connection keeps it: its certificates' octets, which are parsed again for whoever asks.

use der::{Reader as _, SliceReader};

use super::VerifiedPeer;
use crate::error::Finding;
use crate::pki::certificate::subject_in;
use crate::pki::{Certificate, Chain, DistinguishedName};
use crate::time::UnixTime;

/// A [`VerifiedPeer`] without what was parsed of its chain: of a leaf with a P-256 key that is five times the
/// octets of its DER.
pub(crate) struct KeptPeer {
    /// DER, the leaf first, one behind the other.
    chain: Box<[u8]>,
    passed_over: Box<[Finding]>,
    fingerprint: [u8; 32],
    authority: Certificate,
    revocation_checked: bool,
}

impl KeptPeer {
    pub(crate) fn new(peer: &VerifiedPeer) -> Self {
        let ders = || peer.chain.iter().map(Certificate::to_der);
        let mut chain = Vec::with_capacity(ders().map(<[u8]>::len).sum());
        ders().for_each(|der| chain.extend_from_slice(der));
        Self {
            chain: chain.into(),
            passed_over: peer.chain.passed_over().into(),
            fingerprint: peer.certificate().fingerprint(),
            authority: peer.authority.clone(),
            revocation_checked: peer.revocation_checked,
        }
    }

    /// The peer again. What was parsed once parses again: nobody is there only where memory is damaged.
    pub(crate) fn read(&self) -> Option<VerifiedPeer> {
        let mut reader = SliceReader::new(&self.chain).ok()?;
        let mut certificates = Vec::new();
        while !reader.is_finished() {
            certificates.push(Certificate::of_der(reader.tlv_bytes().ok()?).ok()?);
        }
        Some(VerifiedPeer {
            authority: self.authority.clone(),
            chain: Chain::of(certificates, self.passed_over.to_vec())?,
            revocation_checked: self.revocation_checked,
            // What a verdict for a session is made of, which was made before.
            holds: UnixTime(0)..UnixTime(0),
            basis: None,
        })
    }

    /// The leaf's subject.
    pub(crate) fn subject(&self) -> Option<DistinguishedName> {
        subject_in(SliceReader::new(&self.chain).ok()?.tlv_bytes().ok()?)
    }

    /// SHA-256 of the leaf's DER.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::codepoints::SignatureScheme;
    use crate::common::{NOW, World, trust};
    use crate::pki::{KeyType, PeerRole};

    #[test]
    fn a_kept_peer_comes_back_as_it_was_verified() {
        let world = World::new(KeyType::EcdsaP256);
        // The last has a key of a kind that is passed over.
        let damaged = {
            let mut der = world.authority.certificate().to_der().to_vec();
            let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
            let at = der.windows(curve.len()).position(|window| window == curve).unwrap();
            der[at + 7] = 2;
            der
        };
        let leaf = world.client.certificate();
        let sent = [leaf.to_der(), world.authority.certificate().to_der(), &damaged];
        let chain = Chain::from_der(&sent).unwrap();
        let peer = trust(&world.authority).verify(&chain, &PeerRole::Client, NOW).unwrap();
        let kept = KeptPeer::new(&peer);
        assert_eq!((kept.fingerprint(), kept.subject().as_ref()), (leaf.fingerprint(), Some(leaf.subject())));
        let again = kept.read().unwrap();
        assert_eq!((again.chain(), again.chain().len()), (peer.chain(), 2));
        assert_eq!(
            (again.chain().passed_over(), again.chain().passed_over().len()),
            (peer.chain().passed_over(), 1)
        );
        assert_eq!(
            (again.authority(), again.revocation_checked()),
            (peer.authority(), peer.revocation_checked())
        );
        // Its key is there again, too.
        let scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
        let signature = world.client.key().sign(scheme, b"data", &crate::crypto::SystemRandom).unwrap();
        assert!(again.certificate().public_key().verify(scheme, b"data", &signature).is_ok());
    }
}
