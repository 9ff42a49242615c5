//! `otls_trust_store`: whom we believe.

use libc::size_t;

use super::blob::otls_blob;
use super::certificate::otls_certificate;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, create, required, status};
use super::handle::Locked;
use super::pointer::{Handle, Input, Out};
use otls::pki::{Certificate, Crl, Pkcs12, TrustStore};

/// The authorities that are trusted, and their revocation lists. No authority of the system is in it.
pub struct otls_trust_store(pub(super) Locked<TrustStore>);

/// A trust store with no authority in it: it trusts nobody.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_new(
    trust: *mut *mut otls_trust_store,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Out::new(trust), Out::new(error)) };
    create(trust, "trust", error, || Ok(otls_trust_store(Locked::new(TrustStore::new()))))
}

/// Frees a trust store. NULL is fine. A configuration that was made of it keeps a copy.
#[unsafe(no_mangle)]
pub extern "C" fn otls_trust_store_free(trust: Option<Box<otls_trust_store>>) {
    guard::value((), || drop(trust));
}

/// Trusts an authority.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_WRONG_ROLE` for a certificate that is not of an authority.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add(
    trust: *mut otls_trust_store,
    certificate: Option<&otls_certificate>,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, error) = unsafe { (Handle::new(trust), Out::new(error)) };
    status(error, || {
        let mut trust = trust.required("trust")?.0.lock()?;
        Ok(trust.add_authority(&*required(certificate, "certificate")?.get()?)?)
    })
}

/// Trusts all authorities of a bundle, PEM or DER, or none of them if it fails. An authority with a kind or
/// size of key that is not supported is left out; `*left_out`, which must not be NULL, is a text with a line
/// for each of those, empty where there is none.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_MALFORMED`, also for anything in the file that is not a certificate;
/// `OTLS_ERROR_CERTIFICATE_WRONG_ROLE`; `OTLS_ERROR_KEY_UNSUPPORTED_ALGORITHM` or `OTLS_ERROR_KEY_SIZE` where
/// none is left.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add_bundle(
    trust: *mut otls_trust_store,
    bundle: *const u8,
    bundle_len: size_t,
    left_out: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, bundle, left_out, error) =
        unsafe { (Handle::new(trust), Input::new(bundle, bundle_len), Out::new(left_out), Out::new(error)) };
    create(left_out, "left_out", error, || {
        let mut trust = trust.required("trust")?.0.lock()?;
        add_all(&mut trust, Certificate::load_authorities(bundle.get("bundle")?)?)
    })
}

/// Trusts all certificates of a PKCS#12 file (RFC 7292), such as Java's trust stores, or none of them if it
/// fails. A private key in it is not looked at. What is left out is as for `otls_trust_store_add_bundle`.
///
/// Errors: those of `otls_trust_store_add_bundle`, and the `OTLS_ERROR_KEY_` numbers for the file itself:
/// `OTLS_ERROR_KEY_WRONG_PASSWORD`, `OTLS_ERROR_KEY_UNSUPPORTED_FORMAT`, `OTLS_ERROR_KEY_MALFORMED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add_pkcs12(
    trust: *mut otls_trust_store,
    file: *const u8,
    file_len: size_t,
    password: *const u8,
    password_len: size_t,
    left_out: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, file, password) =
        unsafe { (Handle::new(trust), Input::new(file, file_len), Input::new(password, password_len)) };
    // SAFETY: as above.
    let (left_out, error) = unsafe { (Out::new(left_out), Out::new(error)) };
    create(left_out, "left_out", error, || {
        let mut trust = trust.required("trust")?.0.lock()?;
        add_all(&mut trust, Pkcs12::load(file.get("file")?, password.get("password")?)?.authorities()?)
    })
}

/// Trusts all of these or none; the text that names those which were left out.
fn add_all(
    trust: &mut TrustStore,
    (authorities, left_out): (Vec<Certificate>, Vec<String>),
) -> Result<otls_blob, Failure> {
    let mut with_all = trust.clone();
    authorities.iter().try_for_each(|authority| with_all.add_authority(authority))?;
    *trust = with_all;
    Ok(otls_blob::copy_of(left_out.iter().map(|one| format!("{one}\n")).collect::<String>()))
}

/// Adds revocation lists: one, PEM or DER, or all of a PEM bundle, or none of them if it fails.
///
/// Errors: `OTLS_ERROR_CERTIFICATE_MALFORMED`, also for anything in the file that is not a list.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_trust_store_add_crl(
    trust: *mut otls_trust_store,
    crl: *const u8,
    crl_len: size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (trust, crl, error) = unsafe { (Handle::new(trust), Input::new(crl, crl_len), Out::new(error)) };
    status(error, || {
        let mut trust = trust.required("trust")?.0.lock()?;
        Crl::load_all(crl.get("crl")?)?.into_iter().for_each(|list| trust.add_crl(list));
        Ok(())
    })
}
