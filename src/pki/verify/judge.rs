//! The checks of a path (RFC 5280 §6.1.3 to §6.1.5), of its leaf and of the authority at its end. They decide,
//! and they explain: a path is accepted where none has a finding.

use der::oid::ObjectIdentifier;
use der::oid::db::rfc5280::ID_KP_SERVER_AUTH;

use super::super::finding::finding;
use super::super::moment::show;
use super::super::signature::SignatureFault;
use super::super::{Certificate, GeneralName};
use super::PeerRole;
use super::budget::{Budget, PATH};
use super::search::Case;
use super::words::{MAX_LISTED, identified, listed, purpose_name, shown};
use crate::error::{ACCEPTED_SIGNATURES, Check, Finding};

pub(super) type Fault = (Check, String, &'static str);

pub(super) struct Candidate {
    pub(super) rank: Rank,
    pub(super) findings: Vec<Finding>,
}

/// How near a candidate came to being accepted: what the first reports decides the alert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Signed,
    NotSigned,
    DeadEnd,
}

impl<'a> Case<'a> {
    /// The checks of the leaf that do not depend on who issued it.
    pub(super) fn judge_leaf(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let leaf = self.leaf;
        let mut refuse = |check, reason: String, hint: &str| {
            findings.push(finding((0, shown(leaf.subject())), check, reason, hint));
        };
        let extensions = leaf.extensions();
        if leaf.is_ca() && *self.role != PeerRole::Any {
            refuse(
                Check::BasicConstraints,
                "it is an authority's certificate, which signs others and identifies nobody".to_owned(),
                "use a certificate that the authority has issued, and put it first in its file",
            );
        }
        // RFC 8446 §4.4.2.2: digitalSignature must be set if the extension is there.
        let signs = extensions.key_usage.as_ref().is_none_or(|usage| usage.digital_signature());
        if !signs && *self.role != PeerRole::Any {
            refuse(
                Check::KeyUsage,
                "KeyUsage lacks digitalSignature".to_owned(),
                "request a certificate for signing",
            );
        }
        if let Some(purpose) = self.purpose() {
            let role = purpose_name(&purpose);
            let hint = match purpose == ID_KP_SERVER_AUTH {
                true => "request a certificate with the server profile",
                false => "request a certificate with the client profile",
            };
            match &extensions.extended_key_usage {
                None if self.store.missing_eku_allowed => {}
                None => {
                    let reason = format!("it has no ExtendedKeyUsage, {role} is needed");
                    refuse(Check::ExtendedKeyUsage, reason, hint);
                }
                // RFC 5280 §4.2.1.12: anyExtendedKeyUsage need not be accepted, and is not here.
                Some(usage) if !usage.0.contains(&purpose) => {
                    let has: Vec<&str> = usage.0.iter().take(MAX_LISTED).map(purpose_name).collect();
                    refuse(
                        Check::ExtendedKeyUsage,
                        format!("it is for {}, not {role}", has.join(", ")),
                        hint,
                    );
                }
                Some(_) => {}
            }
        }
        if let PeerRole::Server(name) = self.role
            && !has_name(leaf, name)
        {
            refuse(
                Check::Name,
                match leaf.each_name().take(MAX_LISTED + 1).collect::<Vec<_>>().as_slice() {
                    [] => match leaf.first_name_fault() {
                        Some(fault) => format!("it has no name that counts: {fault}; expected {name}"),
                        None => format!("it has no DNS name or IP address; expected {name}"),
                    },
                    names => {
                        format!("is for {}; expected {name}", listed(names, leaf.each_name().count(), shown))
                    }
                },
                "connect by a name that the certificate has, or request one with this name as an alternative name",
            );
        }
        findings
    }

    /// Judges the path that begins with a leaf and ends at `authority`. What a certificate says of names, and
    /// lists of it, is looked at only where every signature of the path verifies: until then nobody is known
    /// to have said it.
    pub(super) fn judge_path(
        &self,
        path: &[&'a Certificate],
        authority: &'a Certificate,
        purpose: Option<ObjectIdentifier>,
    ) -> Candidate {
        let issuers = path.iter().skip(1).copied().chain([authority]);
        let (mut signature, mut findings) = (Vec::new(), Vec::new());
        for (depth, (certificate, issuer)) in path.iter().zip(issuers.clone()).enumerate() {
            if let Err(fault) = self.signed(certificate.to_der(), issuer) {
                let (check, reason, hint) = signature_fault(fault, issuer);
                signature.push(finding((depth, shown(certificate.subject())), check, reason, hint));
            }
        }
        let is_signed = signature.is_empty() && self.budget.spend(PATH);
        for (depth, (certificate, issuer)) in path.iter().copied().zip(issuers).enumerate() {
            let at = || (depth, shown(certificate.subject()));
            let above = path.iter().skip(depth.saturating_add(1)).copied().chain([authority]);
            let faults = [
                format_fault(certificate),
                self.time_fault(certificate),
                (depth > 0)
                    .then(|| self.issuer_fault(certificate, path.get(..depth).unwrap_or_default(), purpose))
                    .flatten(),
                is_signed.then(|| self.constraint_fault(certificate, depth, above)).flatten(),
                is_signed.then(|| self.revocation_fault(certificate, issuer, authority)).flatten(),
            ];
            for (check, reason, hint) in faults.into_iter().flatten() {
                findings.push(finding(at(), check, reason, hint));
            }
        }
        if let Some((check, reason, hint)) = self.authority_fault(authority, path) {
            let at = (path.len(), shown(authority.subject()));
            findings.push(finding(at, check, format!("the trusted authority: {reason}"), hint));
        }
        let rank = if signature.is_empty() { Rank::Signed } else { Rank::NotSigned };
        // What was not looked at any more is no reason to accept.
        if self.budget.is_exhausted() {
            signature.insert(0, Budget::finding(shown(self.leaf.subject())));
        }
        signature.extend(findings);
        Candidate { rank, findings: signature }
    }

    fn time_fault(&self, certificate: &Certificate) -> Option<Fault> {
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if self.clock.is_past(not_after) {
            let reason = format!("expired at {}, now is {}", show(not_after), show(self.clock.now()));
            return Some((Check::NotAfter, reason, "renew it, and check the clock of this machine"));
        }
        if !self.clock.has_reached(not_before) {
            let reason =
                format!("is not valid before {}, now is {}", show(not_before), show(self.clock.now()));
            return Some((Check::NotBefore, reason, "check the clocks of both machines"));
        }
        None
    }

    /// Why the trusted authority itself may not end a path.
    fn authority_fault(&self, authority: &Certificate, path: &[&Certificate]) -> Option<Fault> {
        let intermediates = path.len().saturating_sub(1);
        let too_deep = || {
            let most = self.store.max_depth.filter(|most| intermediates > *most)?;
            Some((
                Check::PathLength,
                format!(
                    "{intermediates} authorities stand between it and the leaf, at most {most} are accepted"
                ),
                "accept a longer chain, or issue the certificate nearer to it",
            ))
        };
        self.time_fault(authority).or_else(|| self.path_length_fault(authority, path)).or_else(too_deep)
    }

    /// Why `issuer` may not have issued what is in the path `below` it.
    fn issuer_fault(
        &self,
        issuer: &Certificate,
        below: &[&Certificate],
        purpose: Option<ObjectIdentifier>,
    ) -> Option<Fault> {
        if !issuer.is_ca() {
            return Some((
                Check::BasicConstraints,
                "it has issued a certificate, but is not an authority".to_owned(),
                "use a certificate that an authority has issued",
            ));
        }
        if let Some(fault) = issuer.authority_fault() {
            return Some((Check::KeyUsage, fault.to_owned(), "use an authority that may sign certificates"));
        }
        if let Some(fault) = self.path_length_fault(issuer, below) {
            return Some(fault);
        }
        let (purpose, usage) = (purpose?, issuer.extensions().extended_key_usage.as_ref()?);
        (!usage.0.contains(&purpose)).then(|| {
            (
                Check::ExtendedKeyUsage,
                format!("it issues no certificates for {}", purpose_name(&purpose)),
                "use an authority for this purpose",
            )
        })
    }

    /// RFC 5280 §4.2.1.9: authorities between `issuer` and the leaf; those that are self-issued do not count.
    fn path_length_fault(&self, issuer: &Certificate, below: &[&Certificate]) -> Option<Fault> {
        let most = issuer.path_length()?;
        let count = below.iter().skip(1).filter(|certificate| !self.is_self_issued(certificate)).count();
        (count > usize::from(most)).then(|| {
            (
                Check::PathLength,
                format!("it allows {most} authorities below it, the chain has {count}"),
                "issue the certificate directly below it",
            )
        })
    }

    /// RFC 5280 §6.1.3 (b), (c): not of self-issued certificates, unless it is the leaf.
    fn constraint_fault(
        &self,
        certificate: &'a Certificate,
        depth: usize,
        mut above: impl Iterator<Item = &'a Certificate>,
    ) -> Option<Fault> {
        if depth > 0 && self.is_self_issued(certificate) {
            return None;
        }
        let reason = above.find_map(|authority| self.name_fault(certificate, authority))?;
        Some((
            Check::NameConstraints,
            reason,
            "request a certificate for other names, or from another authority",
        ))
    }
}

fn format_fault(certificate: &Certificate) -> Option<Fault> {
    let fault = certificate.format_fault()?;
    Some((Check::Format, fault.to_owned(), "request a new certificate from its authority"))
}

/// `fault` of a signature that `issuer` should have made, for a person.
fn signature_fault(fault: SignatureFault, issuer: &Certificate) -> Fault {
    let issuer = identified(issuer);
    let (reason, hint) = match fault {
        SignatureFault::Bad => (
            format!("its signature does not verify with the key of {issuer}"),
            "it was altered, or another authority of the same name has signed it: add that one, or request it anew",
        ),
        SignatureFault::OtherKeyKind => (
            format!("its signature is not of the kind of key that {issuer} has"),
            "another authority of the same name has signed it: add that one",
        ),
        SignatureFault::UnsupportedAlgorithm(algorithm) => {
            (format!("its signature algorithm is not accepted: {algorithm}"), ACCEPTED_SIGNATURES)
        }
        SignatureFault::TooMany => (
            "its signature was not looked at: there are too many certificates that could be issuers"
                .to_owned(),
            "send the leaf and its issuers only",
        ),
    };
    (Check::Signature, reason, hint)
}

/// RFC 9525 §6.3: alternative names only. What is looked for is a host, never a pattern.
fn has_name(leaf: &Certificate, name: &GeneralName) -> bool {
    match name {
        GeneralName::Dns(host) => !host.starts_with('*') && leaf.each_name().any(|own| own.is_for_host(host)),
        GeneralName::Ip(_) => leaf.each_name().any(|own| own == *name),
        GeneralName::Email(_) | GeneralName::Uri(_) => false,
    }
}
