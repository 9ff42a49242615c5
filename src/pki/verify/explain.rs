//! Why a chain was refused: which certificate, which check, with which values, and what to do, for each
//! chain that could be meant.

use super::super::Certificate;
use super::super::finding::finding;
use super::budget::{Budget, EXPLANATION};
use super::judge::{Candidate, Rank};
use super::search::{Case, is_among};
use super::words::{identified, listed, shown};
use crate::error::{Check, Finding, Report};

/// The most chains that a report looks at: a peer may send certificates that all name each other.
const MAX_CANDIDATES: usize = 8;
/// The most findings of a report.
const MAX_FINDINGS: usize = 16;

impl<'a> Case<'a> {
    /// The report: the most promising candidate first, then the leaf's own faults, then the others.
    pub(super) fn report(
        &self,
        leaf_findings: Vec<Finding>,
        passed_over: &[Finding],
        has_path: bool,
    ) -> Report {
        let mut findings = Vec::new();
        // Once the search has given up, there is nothing left for a report.
        if self.budget.is_exhausted() {
            findings.push(Budget::finding(shown(self.leaf.subject())));
            findings.extend(leaf_findings);
        } else if !has_path {
            let mut candidates = Vec::new();
            self.walk(&mut vec![self.leaf], &mut candidates);
            candidates.sort_by_key(|candidate| candidate.rank);
            let mut candidates = candidates.into_iter().enumerate().map(|(index, candidate)| {
                candidate.findings.into_iter().map(move |finding| Finding { candidate: index, ..finding })
            });
            findings.extend(candidates.next().into_iter().flatten());
            findings.extend(leaf_findings);
            findings.extend(candidates.flatten());
            findings.extend(passed_over.iter().cloned());
        } else {
            findings = leaf_findings;
        }
        let mut findings = findings.into_iter().take(MAX_FINDINGS);
        // Where each path that this has followed is without fault, others were not looked at.
        let nothing = || Budget::finding(shown(self.leaf.subject()));
        let mut report = Report::new(findings.next().unwrap_or_else(nothing));
        findings.for_each(|finding| report.push(finding));
        report
    }

    /// Follows `path` to every authority and every dead end, as far as the budget goes.
    fn walk(&self, path: &mut Vec<&'a Certificate>, candidates: &mut Vec<Candidate>) {
        if candidates.len() >= MAX_CANDIDATES || !self.budget.spend(EXPLANATION) {
            return;
        }
        let Some(head) = path.last().copied() else { return };
        let mut leads_on = false;
        for authority in &self.store.authorities {
            if candidates.len() < MAX_CANDIDATES && self.names_issuer(head, authority) {
                leads_on = true;
                candidates.push(self.judge_path(path, authority, self.purpose()));
            }
        }
        for issuer in self.intermediates() {
            if candidates.len() < MAX_CANDIDATES && !is_among(issuer, path) && self.names_issuer(head, issuer)
            {
                leads_on = true;
                path.push(issuer);
                self.walk(path, candidates);
                path.pop();
            }
        }
        if !leads_on && candidates.len() < MAX_CANDIDATES {
            let depth = path.len().saturating_sub(1);
            candidates.push(Candidate { rank: Rank::DeadEnd, findings: vec![self.dead_end(head, depth)] });
        }
    }

    fn dead_end(&self, head: &Certificate, depth: usize) -> Finding {
        let trusted = match self.store.authorities.as_slice() {
            [] => "nobody is trusted".to_owned(),
            trusted => {
                format!("not among the trusted authorities: {}", listed(trusted, trusted.len(), identified))
            }
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
            "if you trust that authority, trust its certificate too; otherwise use a certificate of a trusted one",
        )
    }
}
