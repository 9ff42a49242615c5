//! `otls_name`: who a certificate is for.

use libc::c_char;

use super::error::otls_error;
use super::guard::{self, create, status};
use super::handle::Locked;
use super::pointer::{Handle, Out, Text};
use otls::error::Result;
use otls::pki::{DistinguishedName, GeneralName};

/// A subject and its alternative names, to be filled in.
pub struct otls_name(pub(super) Locked<Names>);

/// What [`otls_name`] holds.
#[derive(Default)]
pub(super) struct Names {
    pub(super) subject: DistinguishedName,
    pub(super) alternatives: Vec<GeneralName>,
}

/// A name with nothing in it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_new(name: *mut *mut otls_name, error: *mut *mut otls_error) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, error) = unsafe { (Out::new(name), Out::new(error)) };
    create(name, "name", error, || Ok(otls_name(Locked::new(Names::default()))))
}

/// Frees a name. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_name_free(name: Option<Box<otls_name>>) {
    guard::value((), || drop(name));
}

/// Gives the subject one attribute of a type, in the place of the one that it has or where it usually stands
/// (C, ST, L, O, OU, CN, serialNumber, emailAddress; others at the end). `attribute` is a type as text: one of
/// these, another of RFC 4519 (`DC`, `UID`, `title`, `givenName` ...), or a dotted number. An empty value takes
/// the attribute away.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for an unknown type; `OTLS_ERROR_BAD_NAME` for a value that the type may not
/// have, and where there are several attributes of the type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_set(
    name: *mut otls_name,
    attribute: *const c_char,
    value: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, attribute, value, error) =
        unsafe { (Handle::new(name), Text::new(attribute), Text::new(value), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::set)
}

/// Adds an attribute to the subject, behind the others; a type may come more than once. Otherwise as
/// `otls_name_set`, and `OTLS_ERROR_BAD_NAME` for more than 64 attributes or 8,192 octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add(
    name: *mut otls_name,
    attribute: *const c_char,
    value: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, attribute, value, error) =
        unsafe { (Handle::new(name), Text::new(attribute), Text::new(value), Out::new(error)) };
    change(name, (attribute, value), error, DistinguishedName::add)
}

/// Adds an alternative name: an IP address if it reads as one, otherwise a DNS name.
///
/// Errors: `OTLS_ERROR_BAD_NAME`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_name_add_alternative(
    name: *mut otls_name,
    alternative: *const c_char,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (name, alternative, error) = unsafe { (Handle::new(name), Text::new(alternative), Out::new(error)) };
    status(error, || {
        let parsed = GeneralName::parse(alternative.get("alternative")?)?;
        name.required("name")?.0.lock()?.alternatives.push(parsed);
        Ok(())
    })
}

fn change(
    name: Handle<'_, otls_name>,
    (attribute, value): (Text<'_>, Text<'_>),
    error: Out<otls_error>,
    body: fn(&mut DistinguishedName, &str, &str) -> Result<()>,
) -> i32 {
    status(error, || {
        let mut names = name.required("name")?.0.lock()?;
        let (attribute, value) = (attribute.get("attribute")?, value.get("value")?);
        Ok(body(&mut names.subject, attribute, value)?)
    })
}
