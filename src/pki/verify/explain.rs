//! Why a chain was refused: which certificate, which check, with which values, and what to do.
//!
//! rustls-webpki says one error for the whole search. The reasons here are found anew, certificate
//! by certificate, for each chain that could be meant; whether a chain is accepted is not decided
//! from what this file finds on the path, but by [`Case::find_path`].

use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, Error as PathError};

use der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};

use super::super::authority::show;
use super::super::signature::{SignatureFault, Signed};
use super::super::{Certificate, GeneralName, MAX_CHAIN_LEN};
use super::words::{MAX_LISTED, hex, identified, listed, purpose_name, shown};
use super::{Case, PeerRole, Purpose, Revocation, Trusted, server_name};
use crate::error::{Check, Error, Finding, Report};

/// The most chains that a report looks at: a peer may send certificates that all name each other.
const MAX_CANDIDATES: usize = 8;
/// The most findings of a report.
const MAX_FINDINGS: usize = 16;

/// A chain from the wire, decoded.
pub(super) struct Decoded {
    pub(super) leaf: Certificate,
    /// Leaf first.
    pub(super) chain: Vec<Certificate>,
    /// What is wrong with those behind the leaf that path validation cannot use. RFC 8446 §4.4.2:
    /// extraneous certificates are to be tolerated.
    pub(super) passed_over: Vec<Finding>,
}

pub(super) fn decode(chain: &[Vec<u8>]) -> Result<Decoded, Report> {
    if chain.len() > MAX_CHAIN_LEN {
        return Err(Report::new(finding(
            (MAX_CHAIN_LEN, String::new()),
            Check::PathLength,
            format!("the chain has {} certificates, at most {MAX_CHAIN_LEN} are accepted", chain.len()),
            "send the leaf and its issuers only",
        )));
    }
    let (mut certificates, mut passed_over) = (Vec::new(), Vec::new());
    for (depth, der) in chain.iter().enumerate() {
        match Certificate::of_der(der) {
            Ok(certificate) => {
                let der = CertificateDer::from(der.as_slice());
                if let Err(error) = EndEntityCert::try_from(&der) {
                    let unusable = of_path_error(&error, depth, &certificate);
                    if depth == 0 {
                        return Err(Report::new(unusable));
                    }
                    passed_over.push(unusable);
                }
                certificates.push(certificate);
            }
            Err(Error::Key(error)) => {
                let unsupported = finding(
                    (depth, String::new()),
                    Check::Key,
                    format!("its public key is not accepted: {error}"),
                    "use RSA (2048 to 8192 bits), P-256 or P-384",
                );
                if depth == 0 {
                    return Err(Report::new(unsupported));
                }
                passed_over.push(unsupported);
            }
            Err(error) => {
                return Err(Report::new(finding(
                    (depth, String::new()),
                    Check::Format,
                    error.to_string(),
                    "the certificate is damaged; request a new one",
                )));
            }
        }
    }
    match certificates.first().cloned() {
        Some(leaf) => Ok(Decoded { leaf, chain: certificates, passed_over }),
        None => Err(Report::new(finding(
            (0, String::new()),
            Check::Presence,
            "the peer sent no certificate",
            "configure a certificate on the other side",
        ))),
    }
}

impl Case<'_> {
    /// The checks of the leaf that do not depend on who issued it.
    pub(super) fn judge_leaf(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let leaf = self.leaf;
        let mut refuse = |check, reason: String, hint: &str| {
            findings.push(finding((0, shown(leaf.subject())), check, reason, hint));
        };
        let extensions = leaf.extensions();
        if leaf.is_ca() {
            refuse(
                Check::BasicConstraints,
                "it is an authority's certificate, which signs others and identifies nobody".to_owned(),
                "use a certificate that the authority has issued",
            );
        }
        // RFC 8446 §4.4.2.2: digitalSignature must be set if the extension is there.
        if extensions.key_usage.as_ref().is_some_and(|usage| !usage.digital_signature()) {
            refuse(
                Check::KeyUsage,
                "KeyUsage lacks digitalSignature".to_owned(),
                "request a certificate for signing",
            );
        }
        if let Some(purpose) = self.purpose() {
            let (purpose, role, hint) = match purpose {
                Purpose::ServerAuth => {
                    (ID_KP_SERVER_AUTH, "serverAuth", "request a certificate with the server profile")
                }
                Purpose::ClientAuth => {
                    (ID_KP_CLIENT_AUTH, "clientAuth", "request a certificate with the client profile")
                }
            };
            match &extensions.extended_key_usage {
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
            let names: Vec<String> = leaf.names().iter().map(GeneralName::to_string).collect();
            refuse(
                Check::Name,
                match names.is_empty() {
                    true => format!("it has no DNS name or IP address; expected {name}"),
                    false => format!("is for {}; expected {name}", listed(&names)),
                },
                "connect by a name that the certificate has, or request one with this name",
            );
        }
        findings
    }

    /// Why the trusted authority itself may not end a path of `intermediates`.
    pub(super) fn authority_fault(
        &self,
        trusted: &Trusted,
        intermediates: usize,
    ) -> Option<(Check, String, &'static str)> {
        let authority = &trusted.certificate;
        let constraints = authority.extensions().basic_constraints.as_ref();
        let path_len = constraints.and_then(|constraints| constraints.path_len_constraint);
        if let Some(fault) = self.time_fault(authority) {
            return Some(fault);
        }
        // RFC 5280 §4.2.1.9.
        if path_len.is_some_and(|most| intermediates > usize::from(most)) {
            let most = path_len.unwrap_or_default();
            return Some((
                Check::PathLength,
                format!("it allows {most} authorities below it, the chain has {intermediates}"),
                "issue the certificate directly below it",
            ));
        }
        if let Some(most) = self.store.max_depth.filter(|most| intermediates > *most) {
            return Some((
                Check::PathLength,
                format!(
                    "{intermediates} authorities stand between it and the leaf, at most {most} are accepted"
                ),
                "accept a longer chain (--max-depth), or issue the certificate nearer to it",
            ));
        }
        if let Revocation::Unusable(why) = trusted.revocation {
            return Some((Check::Revocation, why.to_owned(), "get the authority's current revocation list"));
        }
        None
    }

    /// The report: the most promising candidate first, then the leaf's own faults, then the others.
    pub(super) fn report(
        &self,
        leaf_findings: Vec<Finding>,
        passed_over: Vec<Finding>,
        error: Option<PathError>,
    ) -> Report {
        let mut findings = Vec::new();
        if let Some(error) = error {
            let mut candidates = Vec::new();
            self.walk(&mut vec![0], &mut candidates);
            candidates.sort_by_key(|candidate| candidate.rank);
            let mut candidates = candidates.into_iter().enumerate().map(|(index, candidate)| {
                candidate.findings.into_iter().map(move |finding| Finding { candidate: index, ..finding })
            });
            findings.extend(candidates.next().into_iter().flatten());
            findings.extend(leaf_findings);
            // Where no path that we can follow has a fault: a certificate that path validation does
            // not read, or else its own word.
            let mut passed_over = passed_over;
            if findings.is_empty() {
                findings.append(&mut passed_over);
            }
            if findings.is_empty() {
                findings.push(of_path_error(&error, 0, self.leaf));
            }
            findings.extend(candidates.flatten());
            findings.extend(passed_over);
        } else {
            findings = leaf_findings;
        }
        let mut findings = findings.into_iter().take(MAX_FINDINGS);
        let nothing =
            || finding((0, String::new()), Check::Format, "no reason found", "please report this as a bug");
        let mut report = Report::new(findings.next().unwrap_or_else(nothing));
        findings.for_each(|finding| report.push(finding));
        report
    }

    /// Follows `path`, indices into the chain, to every authority and every dead end.
    fn walk(&self, path: &mut Vec<usize>, candidates: &mut Vec<Candidate>) {
        let Some(head) = path.last().and_then(|index| self.chain.get(*index)) else { return };
        let mut leads_on = false;
        for trusted in &self.store.authorities {
            if candidates.len() < MAX_CANDIDATES && trusted.certificate.subject_der() == head.issuer_der() {
                leads_on = true;
                candidates.push(self.judge_path(path, trusted));
            }
        }
        for (index, issuer) in self.chain.iter().enumerate().skip(1) {
            if candidates.len() < MAX_CANDIDATES
                && !path.contains(&index)
                && issuer.subject_der() == head.issuer_der()
                && issuer != head
                // A path ends at a trusted authority, also where the peer sends that one along.
                && self.store.authorities.iter().all(|trusted| trusted.certificate != *issuer)
            {
                leads_on = true;
                path.push(index);
                self.walk(path, candidates);
                path.pop();
            }
        }
        if !leads_on && candidates.len() < MAX_CANDIDATES {
            let depth = path.len().saturating_sub(1);
            candidates.push(Candidate { rank: Rank::DeadEnd, findings: vec![self.dead_end(head, depth)] });
        }
    }

    fn judge_path(&self, path: &[usize], trusted: &Trusted) -> Candidate {
        let certificates: Vec<&Certificate> =
            path.iter().filter_map(|index| self.chain.get(*index)).collect();
        let issuers = certificates.iter().skip(1).copied().chain([&trusted.certificate]);
        let (mut signature, mut findings) = (Vec::new(), Vec::new());
        for (depth, (certificate, issuer)) in certificates.iter().zip(issuers).enumerate() {
            let at = || (depth, shown(certificate.subject()));
            if let Some((reason, hint)) = signature_fault(certificate, issuer) {
                signature.push(finding(at(), Check::Signature, reason, hint));
            }
            let faults = [
                self.time_fault(certificate),
                (depth > 0).then(|| self.issuer_fault(certificate, depth)).flatten(),
                self.revocation_fault(certificate, issuer, trusted),
            ];
            for (check, reason, hint) in faults.into_iter().flatten() {
                findings.push(finding(at(), check, reason, hint));
            }
        }
        let depth = certificates.len();
        if let Some((check, reason, hint)) = self.authority_fault(trusted, depth.saturating_sub(1)) {
            let at = (depth, shown(trusted.certificate.subject()));
            findings.push(finding(at, check, format!("the trusted authority: {reason}"), hint));
        }
        let rank = if signature.is_empty() { Rank::Signed } else { Rank::NotSigned };
        signature.extend(findings);
        Candidate { rank, findings: signature }
    }

    fn time_fault(&self, certificate: &Certificate) -> Option<Fault> {
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if self.now > not_after {
            let reason = format!("expired at {}, now is {}", show(not_after), show(self.now));
            return Some((Check::NotAfter, reason, "renew it, and check the clock of this machine"));
        }
        if self.now < not_before {
            let reason = format!("is not valid before {}, now is {}", show(not_before), show(self.now));
            return Some((Check::NotBefore, reason, "check the clocks of both machines"));
        }
        None
    }

    fn issuer_fault(&self, issuer: &Certificate, depth: usize) -> Option<Fault> {
        let extensions = issuer.extensions();
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
        let path_len = extensions.basic_constraints.as_ref().and_then(|c| c.path_len_constraint);
        if let Some(most) = path_len.filter(|most| depth.saturating_sub(1) > usize::from(*most)) {
            return Some((
                Check::PathLength,
                format!("it allows {most} authorities below it, the chain has {}", depth.saturating_sub(1)),
                "issue the certificate directly below it",
            ));
        }
        let purpose = match self.purpose()? {
            Purpose::ServerAuth => ID_KP_SERVER_AUTH,
            Purpose::ClientAuth => ID_KP_CLIENT_AUTH,
        };
        let usage = extensions.extended_key_usage.as_ref();
        usage.is_some_and(|usage| !usage.0.contains(&purpose)).then(|| {
            (
                Check::ExtendedKeyUsage,
                format!("it issues no certificates for {}", purpose_name(&purpose)),
                "use an authority for this purpose",
            )
        })
    }

    fn revocation_fault(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        trusted: &Trusted,
    ) -> Option<Fault> {
        const HINT: &str = "get the authority's current revocation list";
        if self.is_listed_elsewhere(certificate) {
            let reason =
                "a list in its issuer's name, signed with a key that is not the issuer's, revokes it";
            return Some((Check::Revocation, reason.to_owned(), "request a new certificate with a new key"));
        }
        let Some(list) = self.list_of(issuer, trusted) else {
            return self.store.lists_required.then(|| {
                let reason = "there is no revocation list of its issuer, and one is required";
                (Check::Revocation, reason.to_owned(), HINT)
            });
        };
        if list.verify(issuer.public_key()).is_err() {
            let reason = "the revocation list in its issuer's name is not signed with the issuer's key";
            return Some((Check::Revocation, reason.to_owned(), HINT));
        }
        if self.now >= list.next_update() {
            let (at, now) = (show(list.next_update()), show(self.now));
            let reason =
                format!("its issuer's revocation list is stale: a new one was due at {at}, now is {now}");
            return Some((Check::Revocation, reason, HINT));
        }
        list.contains(certificate.serial()).then(|| {
            let reason = format!("its issuer has revoked it (serial number {})", hex(certificate.serial()));
            (Check::Revocation, reason, "request a new certificate with a new key")
        })
    }

    fn dead_end(&self, head: &Certificate, depth: usize) -> Finding {
        let trusted: Vec<String> =
            self.store.authorities.iter().map(|trusted| identified(&trusted.certificate)).collect();
        let trusted = match trusted.is_empty() {
            true => "nobody is trusted".to_owned(),
            false => format!("not among the trusted authorities: {}", listed(&trusted)),
        };
        let reason = if head.issuer_der() == head.subject_der() {
            format!("self-signed {} is {trusted}", identified(head))
        } else {
            format!("issuer {} is {trusted}", shown(head.issuer()))
        };
        finding(
            (depth, shown(head.subject())),
            Check::Issuer,
            reason.replace("is nobody is trusted", "is not trusted, nobody is"),
            "if you trust that authority, add its certificate (--ca FILE); otherwise use a certificate of a trusted one",
        )
    }
}

type Fault = (Check, String, &'static str);

struct Candidate {
    rank: Rank,
    findings: Vec<Finding>,
}

/// How near a candidate came to being accepted: what the first reports decides the alert.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Signed,
    NotSigned,
    DeadEnd,
}

fn signature_fault(certificate: &Certificate, issuer: &Certificate) -> Option<(String, &'static str)> {
    let fault = match Signed::of(certificate.to_der()) {
        Ok(signed) => signed.verify(issuer.public_key()).err()?,
        Err(_) => SignatureFault::Bad,
    };
    let issuer = identified(issuer);
    Some(match fault {
        SignatureFault::Bad => (
            format!("its signature does not verify with the key of {issuer}"),
            "it was altered, or another authority of the same name has signed it: add that one, or request it anew",
        ),
        SignatureFault::OtherKeyKind => (
            format!("its signature is not of the kind of key that {issuer} has"),
            "another authority of the same name has signed it: add that one",
        ),
        SignatureFault::UnsupportedAlgorithm => (
            "its signature algorithm is not accepted".to_owned(),
            "have it signed with SHA-256 or SHA-384, with RSA or ECDSA",
        ),
    })
}

fn has_name(leaf: &Certificate, name: &GeneralName) -> bool {
    let der = CertificateDer::from(leaf.to_der());
    match (EndEntityCert::try_from(&der), server_name(name)) {
        (Ok(leaf), Some(name)) => leaf.verify_is_valid_for_subject_name(&name).is_ok(),
        _ => false,
    }
}

fn finding(
    (depth, subject): (usize, String),
    check: Check,
    reason: impl Into<String>,
    hint: impl Into<String>,
) -> Finding {
    Finding { candidate: 0, depth, subject, check, reason: reason.into(), hint: hint.into() }
}

/// For what the walk above does not model.
#[allow(clippy::wildcard_enum_match_arm, reason = "webpki's enum, which grows; its own name says the rest")]
fn of_path_error(error: &PathError, depth: usize, certificate: &Certificate) -> Finding {
    let (check, reason) = match error {
        PathError::UnsupportedCriticalExtension => {
            (Check::Format, "it has a critical extension that is not supported".to_owned())
        }
        PathError::UnsupportedCertVersion => (Check::Format, "it is not an X.509 v3 certificate".to_owned()),
        PathError::NameConstraintViolation => {
            (Check::NameConstraints, "its names are outside what its issuer is constrained to".to_owned())
        }
        PathError::MalformedNameConstraint | PathError::InvalidNetworkMaskConstraint => {
            (Check::NameConstraints, "its issuer's name constraints are malformed".to_owned())
        }
        PathError::PathLenConstraintViolated | PathError::MaximumPathDepthExceeded => {
            (Check::PathLength, "its path has more authorities than are allowed".to_owned())
        }
        PathError::InvalidCertValidity => (Check::NotAfter, "notAfter is earlier than notBefore".to_owned()),
        PathError::CertRevoked | PathError::CrlExpired { .. } | PathError::UnknownRevocationStatus => {
            (Check::Revocation, format!("revocation: {error:?}"))
        }
        _ => (Check::Format, format!("path validation: {error:?}")),
    };
    finding(
        (depth, shown(certificate.subject())),
        check,
        reason,
        "request a new certificate from its authority",
    )
}
