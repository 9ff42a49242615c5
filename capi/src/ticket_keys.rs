//! `otls_ticket_keys`: what a server seals its tickets with.

use std::sync::Arc;

use libc::size_t;

use super::blob::otls_blob;
use super::error::otls_error;
use super::guard::{self, create, required};
use super::handle::Shared;
use super::pointer::{Input, Out};
use otls::TicketKeys;
use otls::UnixTime;
use otls::crypto::SystemRandom;

/// The keys that a server seals its session tickets with (RFC 8446 section 4.6.1). They change every 12
/// hours by themselves. Servers with the same keys resume each other's sessions.
pub struct otls_ticket_keys(pub(super) Shared<Arc<TicketKeys>>);

/// New ticket keys.
///
/// Errors: `OTLS_ERROR_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ticket_keys_generate(
    now: u64,
    keys: *mut *mut otls_ticket_keys,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (keys, error) = unsafe { (Out::new(keys), Out::new(error)) };
    create(keys, "keys", error, || {
        let keys = TicketKeys::generate(&SystemRandom, UnixTime(now))?;
        Ok(otls_ticket_keys(Shared::new(Arc::new(keys))))
    })
}

/// Ticket keys that `otls_ticket_keys_export` made, here or on another server.
///
/// Errors: `OTLS_ERROR_API_MISUSE` for anything else, and for keys of the future.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ticket_keys_load(
    data: *const u8,
    data_len: size_t,
    now: u64,
    keys: *mut *mut otls_ticket_keys,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, keys, error) = unsafe { (Input::new(data, data_len), Out::new(keys), Out::new(error)) };
    create(keys, "keys", error, || {
        let keys = TicketKeys::from_bytes(data.get("data")?, UnixTime(now))?;
        Ok(otls_ticket_keys(Shared::new(Arc::new(keys))))
    })
}

/// The ticket keys as of `now`. Secret: whoever has them can pass for any client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_ticket_keys_export(
    keys: Option<&otls_ticket_keys>,
    now: u64,
    data: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (data, error) = unsafe { (Out::new(data), Out::new(error)) };
    create(data, "data", error, || {
        Ok(otls_blob::new(required(keys, "keys")?.0.get()?.to_bytes(UnixTime(now))?))
    })
}

/// Frees ticket keys. NULL is fine. Configurations that use them keep them.
#[unsafe(no_mangle)]
pub extern "C" fn otls_ticket_keys_free(keys: Option<Box<otls_ticket_keys>>) {
    guard::value((), || drop(keys));
}
