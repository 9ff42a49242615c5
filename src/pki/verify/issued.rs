//! Whether an authority keeps to its own name constraints.

use super::super::Certificate;
use super::budget::Budget;
use super::constrained::{Subtrees, name_fault};

/// Why `authority` may not issue what it has just signed.
pub(in super::super) fn outside(certificate: &Certificate, authority: &Certificate) -> Option<String> {
    let constraints = authority.extensions().name_constraints.as_ref()?;
    let budget = Budget::new();
    match Subtrees::of(constraints, &budget) {
        Some(subtrees) => name_fault(certificate, &subtrees, &budget),
        None => Some("its issuer's name constraints are more than can be compared".to_owned()),
    }
}
