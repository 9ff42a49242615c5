//! `otls_validity`, `otls_certificate_terms` and `otls_authority_terms`: for how long, and for what, an authority
//! signs.

use std::time::Duration;

use libc::c_char;

use super::failure::Failure;
use super::name::otls_name;
use super::pointer::{Handle, Text};
use super::values;
use otls::UnixTime;
use otls::pki::{AuthorityTerms, GeneralName, NameConstraints, Profile, Validity};

/// For how long what an authority signs is valid.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct otls_validity {
    /// From when on, in seconds since 1970: the time now. A certificate starts five minutes earlier, for clocks
    /// that lag.
    pub from: u64,
    /// For so many seconds.
    pub lifetime: u64,
}

/// What a certificate is issued for.
#[repr(C)]
pub struct otls_certificate_terms {
    /// For how long it is valid.
    pub validity: otls_validity,
    /// One of the `OTLS_PROFILE_` numbers: what it may be used for, whatever the request asks.
    pub profile: i32,
    /// Whose alternative names it has beside those that the request asks for, for a request that was made of a
    /// common name alone; NULL for no more.
    pub names: *mut otls_name,
}

/// What the certificate of an authority allows it. All zero but `validity` is one that signs leaves and revocation
/// lists alone, for any names.
#[repr(C)]
pub struct otls_authority_terms {
    /// For how long it is valid.
    pub validity: otls_validity,
    /// How many authorities may stand below it, one under the other.
    pub path_length: u8,
    /// The names that it may issue for (RFC 5280 section 4.2.1.10): DNS names with all below them, and networks
    /// such as 10.0.0.0/8, separated by commas; NULL for no constraint.
    pub permitted: *const c_char,
    /// The names that it may not issue for, as `permitted`.
    pub excluded: *const c_char,
}

impl otls_validity {
    pub(super) const fn get(self) -> Validity {
        Validity::new(UnixTime(self.from), Duration::from_secs(self.lifetime))
    }
}

/// Terms whose names are safe to read.
pub(super) struct CertificateTerms<'a>(Option<(&'a otls_certificate_terms, Handle<'a, otls_name>)>);

impl<'a> CertificateTerms<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    pub(super) const unsafe fn new(given: Option<&'a otls_certificate_terms>) -> Self {
        let Some(given) = given else { return Self(None) };
        // SAFETY: promised above.
        Self(Some(unsafe { (given, Handle::new(given.names)) }))
    }

    /// The profile, the validity, and the names that are added.
    pub(super) fn get(self) -> Result<(Profile, Validity, Vec<GeneralName>), Failure> {
        let (given, names) = self.0.ok_or(Failure::Null("terms"))?;
        let names = match names.optional() {
            Some(names) => names.0.lock()?.alternatives.clone(),
            None => Vec::new(),
        };
        Ok((values::profile(given.profile)?, given.validity.get(), names))
    }
}

/// Terms whose texts are safe to read.
pub(super) struct Terms<'a>(Option<(&'a otls_authority_terms, Text<'a>, Text<'a>)>);

impl<'a> Terms<'a> {
    /// # Safety
    /// The caller keeps the rules for pointers, with those in `given` too.
    pub(super) const unsafe fn new(given: Option<&'a otls_authority_terms>) -> Self {
        let Some(given) = given else { return Self(None) };
        // SAFETY: promised above.
        Self(Some(unsafe { (given, Text::new(given.permitted), Text::new(given.excluded)) }))
    }

    pub(super) fn get(&self) -> Result<AuthorityTerms, Failure> {
        let (given, permitted, excluded) = self.0.as_ref().ok_or(Failure::Null("terms"))?;
        let (permitted, excluded) =
            (permitted.optional()?.unwrap_or_default(), excluded.optional()?.unwrap_or_default());
        let terms = AuthorityTerms::new(given.validity.get()).with_path_len(given.path_length);
        if permitted.is_empty() && excluded.is_empty() {
            return Ok(terms);
        }
        Ok(terms.with_constraints(constraints(permitted, excluded)?))
    }
}

fn constraints(permitted: &str, excluded: &str) -> otls::Result<NameConstraints> {
    let names = |text: &'_ str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let constraints = NameConstraints::new();
    let constraints = names(permitted).iter().try_fold(constraints, |all, name| all.permit(name))?;
    names(excluded).iter().try_fold(constraints, |all, name| all.exclude(name))
}
