//! What an accepted chain has passed, in words: for who wants to see it.

use super::super::moment::show;
use super::super::{Certificate, Chain};
use super::search::Case;
use super::words::{identified, listed, purpose_name, shown};
use super::{PeerRole, TrustStore};
use crate::error::Check;
use crate::time::UnixTime;

/// A check of a certificate that did not refuse it.
pub(crate) struct Passed {
    /// 0 is the leaf, each issuer one more.
    pub(crate) depth: usize,
    pub(crate) subject: String,
    pub(crate) check: Check,
    /// It was there to be checked: where there is no revocation list, none refuses it.
    pub(crate) is_done: bool,
    /// What was compared.
    pub(crate) reason: String,
}

impl TrustStore {
    /// What a chain that [`TrustStore::verify`] accepts has passed; nothing of another.
    pub(crate) fn passed(&self, chain: &Chain, role: &PeerRole, now: UnixTime) -> Vec<Passed> {
        let store = self.with_pinned(chain);
        let at_hand: Vec<Certificate> = chain.iter().chain(&store.0.intermediates).cloned().collect();
        let case = Case::new(&store.0, chain.leaf(), &at_hand, role, now);
        let Some((path, authority)) = case.find_path() else { return Vec::new() };
        let issuers = path.iter().skip(1).copied().chain([authority]);
        let mut passed = Vec::new();
        for (depth, (certificate, issuer)) in path.iter().copied().zip(issuers).enumerate() {
            let mut pass = |check, is_done, reason| {
                let subject = shown(certificate.subject());
                passed.push(Passed { depth, subject, check, is_done, reason });
            };
            let algorithm = certificate.signature_algorithm();
            pass(
                Check::Signature,
                true,
                format!("{algorithm}, made with the key of {}", shown(issuer.subject())),
            );
            pass(Check::Key, true, certificate.public_key().algorithm().describe());
            for (check, reason) in case.times(certificate) {
                pass(check, true, reason);
            }
            let usages = certificate.key_usages().join(", ");
            if depth == 0 {
                pass(Check::BasicConstraints, true, "it is no authority's".to_owned());
                pass(Check::KeyUsage, true, or_absent(&usages));
                if let Some(purpose) = case.purpose() {
                    pass(Check::ExtendedKeyUsage, true, format!("it is for {}", purpose_name(&purpose)));
                }
                if let PeerRole::Server(name) = role {
                    let names: Vec<_> = certificate.each_name().collect();
                    pass(
                        Check::Name,
                        true,
                        format!("{name} is among {}", listed(&names, names.len(), shown)),
                    );
                }
            } else {
                pass(Check::BasicConstraints, true, "it is an authority's".to_owned());
                pass(Check::KeyUsage, true, or_absent(&usages));
                let most = certificate.path_length().map_or_else(
                    || "any number of authorities may stand below it".to_owned(),
                    |most| format!("at most {most} authorities may stand below it"),
                );
                pass(Check::PathLength, true, most);
            }
            let constrained = path
                .iter()
                .skip(depth.saturating_add(1))
                .copied()
                .chain([authority])
                .any(|above| above.extensions().name_constraints.is_some());
            if constrained {
                pass(Check::NameConstraints, true, "its names are within those of its issuers".to_owned());
            }
            let has_list = case.is_checked(&[certificate], issuer);
            let reason = if has_list { "no list revokes it" } else { "there is no list of its issuer" };
            pass(Check::Revocation, has_list, reason.to_owned());
        }
        let depth = path.len();
        let subject = shown(authority.subject());
        let mut last = |check, reason| {
            passed.push(Passed { depth, subject: subject.clone(), check, is_done: true, reason });
        };
        last(Check::Issuer, format!("it is trusted: {}", identified(authority)));
        for (check, reason) in case.times(authority) {
            last(check, reason);
        }
        passed
    }
}

impl Case<'_> {
    fn times(&self, certificate: &Certificate) -> [(Check, String); 2] {
        let now = show(self.clock.now());
        [
            (Check::NotBefore, format!("{} is not after {now}", show(certificate.not_before()))),
            (Check::NotAfter, format!("{} is not before {now}", show(certificate.not_after()))),
        ]
    }
}

fn or_absent(usages: &str) -> String {
    if usages.is_empty() { "any use, there is no KeyUsage".to_owned() } else { usages.to_owned() }
}
