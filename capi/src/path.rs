//! Paths: authorities below others, what is trusted and how far, and the report of a refusal.

use libc::{c_char, size_t};

use super::authority::otls_authority;
use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{create, required, status};
use super::pointer::{Handle, Input, Out, Text};
use super::request::otls_request;
use super::trust::otls_trust_store;
use otls::UnixTime;
use otls::crypto::SystemRandom;
use otls::error::{Error, Result};
use otls::pki::{Certificate, Chain, GeneralName, NameConstraints, PeerRole, Profile};

/// What a certificate has to be good for: a TLS server, with a name.
pub const OTLS_USAGE_SERVER: i32 = 1;
/// What a certificate has to be good for: a TLS client.
pub const OTLS_USAGE_CLIENT: i32 = 2;
/// What a certificate has to be good for: nothing in particular, the path alone is judged.
pub const OTLS_USAGE_ANY: i32 = 3;

/// The authority's certificate and those above it, PEM: what the holder of a certificate sends behind his
/// own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_chain(
    authority: Option<&otls_authority>,
    chain: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (chain, error) = unsafe { (Out::new(chain), Out::new(error)) };
    create(chain, "chain", error, || {
        let authority = required(authority, "authority")?.get()?;
        Ok(otls_blob::copy_of(authority.chain().iter().map(Certificate::to_pem).collect::<String>()))
    })
}

/// Issues the certificate of an authority below this one, otherwise as `otls_authority_issue`. `path_length`
/// further ones may stand below it. `permitted` and `excluded` are the names that it may and may not issue for
/// (RFC 5280 section 4.2.1.10): DNS names with all below them, and networks such as 10.0.0.0/8, separated by
/// commas; NULL for no constraint.
///
/// Errors: `OTLS_ERROR_AUTHORITY_REFUSED`; `OTLS_ERROR_BAD_NAME`; `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_authority_issue_authority(
    authority: Option<&otls_authority>,
    request: Option<&otls_request>,
    path_length: u8,
    permitted: *const c_char,
    excluded: *const c_char,
    lifetime: u64,
    now: u64,
    certificate: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (permitted, excluded, certificate, error) =
        unsafe { (Text::new(permitted), Text::new(excluded), Out::new(certificate), Out::new(error)) };
    create(certificate, "certificate", error, || {
        let authority = required(authority, "authority")?.get()?;
        let request = required(request, "request")?.0.get()?;
        let (permitted, excluded) =
            (permitted.optional()?.unwrap_or_default(), excluded.optional()?.unwrap_or_default());
        let now = UnixTime(now);
        let issued = if permitted.is_empty() && excluded.is_empty() {
            authority.issue(&request, Profile::Ca { path_len: path_length }, lifetime, now, &SystemRandom)?
        } else {
            let constraints = constraints(permitted, excluded)?;
            authority.issue_authority(&request, path_length, &constraints, lifetime, now, &SystemRandom)?
        };
        Ok(otls_certificate::new(&issued))
    })
}

/// Adds a certificate that may stand between a leaf and a trusted authority, for peers that do not send it.
/// It is not trusted by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add_intermediate(
    trust: *mut otls_trust_store,
    certificate: Option<&otls_certificate>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        let mut trust = trust.required("trust")?.0.lock()?;
        trust.add_intermediate(&*required(certificate, "certificate")?.get()?);
        Ok(())
    })
}

/// Accepts at most `depth` authorities between a leaf and a trusted one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_set_max_depth(
    trust: *mut otls_trust_store,
    depth: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        trust.required("trust")?.0.lock()?.set_max_depth(depth);
        Ok(())
    })
}

/// Refuses certificates of authorities without a revocation list. Otherwise such certificates are not checked
/// against one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_require_crls(
    trust: *mut otls_trust_store,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        trust.required("trust")?.0.lock()?.require_crls();
        Ok(())
    })
}

/// Judges a certificate chain, PEM or one DER certificate, leaf first, at the time `now`. `usage` is one of the
/// `OTLS_USAGE_` numbers; `name` is the server's name for `OTLS_USAGE_SERVER` and otherwise NULL. `*authority`
/// is the trusted authority that the chain leads to.
///
/// Errors: the `OTLS_ERROR_CERTIFICATE_` numbers; the error has a report, see `otls_error_finding`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_verify(
    trust: Option<&otls_trust_store>,
    chain: *const u8,
    chain_len: size_t,
    usage: i32,
    name: *const c_char,
    now: u64,
    authority: *mut *mut otls_certificate,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (chain, name, authority, error) =
        unsafe { (Input::new(chain, chain_len), Text::new(name), Out::new(authority), Out::new(error)) };
    create(authority, "authority", error, || {
        let trust = required(trust, "trust")?.0.lock()?.clone();
        let role = role(usage, name)?;
        let chain = Chain::load(chain.get("chain")?)?;
        let peer = trust.verify(&chain, &role, UnixTime(now)).map_err(Error::from)?;
        Ok(otls_certificate::new(peer.authority()))
    })
}

/// The role of an `OTLS_USAGE_` number, with the name that a server has to have.
pub(super) fn role(usage: i32, name: Text<'_>) -> Result<PeerRole, Failure> {
    Ok(match (usage, name.optional()?.unwrap_or_default()) {
        (OTLS_USAGE_SERVER, name) if !name.is_empty() => PeerRole::Server(GeneralName::parse(name)?),
        (OTLS_USAGE_CLIENT, "") => PeerRole::Client,
        (OTLS_USAGE_ANY, "") => PeerRole::Any,
        _ => {
            return Err(Error::misuse(
                "an unknown usage, or one that does not go with the name",
                "pass OTLS_USAGE_SERVER with a name, another OTLS_USAGE_ number without one",
            )
            .into());
        }
    })
}

/// All that the certificate says, for a person to read, laid out as by `openssl x509 -text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_certificate_to_text(
    certificate: Option<&otls_certificate>,
    text: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (text, error) = unsafe { (Out::new(text), Out::new(error)) };
    create(text, "text", error, || {
        let certificate = required(certificate, "certificate")?.get()?;
        Ok(otls_blob::copy_of(certificate.to_text()))
    })
}

fn constraints(permitted: &str, excluded: &str) -> Result<NameConstraints> {
    let names = |text: &'_ str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let constraints = NameConstraints::new();
    let constraints = names(permitted).iter().try_fold(constraints, |all, name| all.permit(name))?;
    names(excluded).iter().try_fold(constraints, |all, name| all.exclude(name))
}
