//! Who we are to a peer (RFC 8446 §4.4.2.2, §4.4.2.3).

use std::sync::Arc;

use crate::codepoints::SignatureScheme;
use crate::pki::Identity;

/// What a peer asks of our certificate.
pub(super) struct Asked<'a> {
    /// The server that a client wants (RFC 6066 §3).
    pub(super) name: Option<&'a str>,
    /// What it accepts in CertificateVerify.
    pub(super) schemes: &'a [SignatureScheme],
    /// What it accepts in certificates, where that is another list (RFC 8446 §4.2.3).
    pub(super) certificate_schemes: Option<&'a [SignatureScheme]>,
    /// Subjects (DER) of the authorities that it trusts; empty if it did not say.
    pub(super) authorities: &'a [Vec<u8>],
}

impl Asked<'_> {
    /// The identity that the peer can verify best, the first among equals, and the first of `wanted` that it
    /// signs with; `None` where no key makes a signature that both sides want.
    pub(super) fn choose<'a>(
        &self,
        identities: &'a [Arc<Identity>],
        wanted: &[SignatureScheme],
    ) -> Option<(&'a Arc<Identity>, SignatureScheme)> {
        let mut best: Option<(Fit, _, _)> = None;
        for identity in identities {
            let Some(scheme) = self.scheme(identity, wanted) else { continue };
            let fit = self.fit(identity);
            if best.as_ref().is_none_or(|(known, ..)| fit > *known) {
                best = Some((fit, identity, scheme));
            }
        }
        best.map(|(_, identity, scheme)| (identity, scheme))
    }

    /// The first of `wanted` that the key can make and the peer accepts.
    fn scheme(&self, identity: &Identity, wanted: &[SignatureScheme]) -> Option<SignatureScheme> {
        let algorithm = identity.key().algorithm();
        wanted.iter().copied().find(|scheme| self.schemes.contains(scheme) && algorithm.supports(*scheme))
    }

    fn fit(&self, identity: &Identity) -> Fit {
        Fit {
            name: self.name.is_some_and(|name| identity.is_named(name)),
            signatures: identity.is_signed_with(self.certificate_schemes.unwrap_or(self.schemes)),
            authority: self.authorities.iter().any(|name| identity.is_issued_by(name)),
        }
    }
}

/// How well an identity fits a peer, the most important first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// It has the name that the peer asks for.
    name: bool,
    /// The peer accepts the signatures in its chain.
    signatures: bool,
    /// The peer names an authority of its chain.
    authority: bool,
}
