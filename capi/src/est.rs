//! `otls_est_client`: enrolment (RFC 7030).

use libc::{c_char, size_t};

use super::blob::otls_blob;
use super::error::otls_error;
use super::est_reply::otls_est_reply;
use super::failure::Failure;
use super::guard::{self, status};
use super::handle::{Locked, Shared};
use super::pointer::{Handle, Input, Out, Text};
use super::request::otls_request;
use super::values;
use otls::Secret;
use otls::error::Result;
use otls::est::{EstClient, EstReply};

/// One enrolment request on its way: what it is answered with is fed to it, decrypted.
pub struct otls_est_client(Locked<EstClient>);

/// Asks an enrolment server for the authority's certificates (RFC 7030 section 4.1). `host` is the server's
/// name. `*request` is what is to be sealed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_est_client_cacerts(
    host: *const c_char,
    client: *mut *mut otls_est_client,
    request: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (host, client, request, error) =
        unsafe { (Text::new(host), Out::new(client), Out::new(request), Out::new(error)) };
    start(client, request, error, || {
        let (client, bytes) = EstClient::cacerts(host.get("host")?);
        Ok((client, Secret::from(bytes)))
    })
}

/// What an enrolment server is asked for.
#[repr(C)]
pub struct otls_est_enrolment {
    /// The server's name.
    pub host: *const c_char,
    /// One of the `OTLS_PROFILE_` numbers.
    pub profile: i32,
    /// The request.
    pub request: *const otls_request,
    /// What authorises it, or NULL.
    pub token: *const u8,
    /// Its length.
    pub token_len: size_t,
}

/// Asks an enrolment server for a certificate (RFC 7030 section 4.2). `*http_request` is what is to be sealed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_est_client_simpleenroll(
    enrolment: Option<&otls_est_enrolment>,
    client: *mut *mut otls_est_client,
    http_request: *mut *mut otls_blob,
    error: *mut *mut otls_error,
) -> i32 {
    let members = enrolment.map(|given| {
        // SAFETY: the caller keeps the rules for pointers, with those in `enrolment` too.
        unsafe {
            let request = Handle::new(given.request.cast_mut());
            (Text::new(given.host), given.profile, request, Input::new(given.token, given.token_len))
        }
    });
    // SAFETY: the caller keeps the rules for pointers.
    let (client, http_request, error) =
        unsafe { (Out::new(client), Out::new(http_request), Out::new(error)) };
    start(client, http_request, error, || {
        let (host, profile, request, token) = members.ok_or(Failure::Null("enrolment"))?;
        let (host, profile) = (host.get("host")?, values::profile(profile)?);
        let request = request.required("request")?.0.get()?;
        Ok(match token.optional("token")? {
            None => {
                let (client, bytes) = EstClient::simpleenroll(host, profile, &request);
                (client, Secret::from(bytes))
            }
            Some(token) => {
                let token = Secret::from(token.to_vec());
                EstClient::simpleenroll_with_token(host, profile, &request, &token)
            }
        })
    })
}

/// Frees an enrolment request. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_est_client_free(client: Option<Box<otls_est_client>>) {
    guard::value((), || drop(client));
}

/// Takes decrypted octets; `*reply` is NULL until the reply is complete.
///
/// Errors: `OTLS_ERROR_ENROLMENT_STATUS` for a refusal, with the server's reason;
/// `OTLS_ERROR_ENROLMENT_HTTP` and `OTLS_ERROR_ENROLMENT_MALFORMED` for a reply that is not what RFC 7030
/// asks for. They are final.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_est_client_feed(
    client: *mut otls_est_client,
    data: *const u8,
    data_len: size_t,
    reply: *mut *mut otls_est_reply,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (client, data, reply, error) =
        unsafe { (Handle::new(client), Input::new(data, data_len), Out::new(reply), Out::new(error)) };
    answer(client, reply, error, |client| Ok(client.feed(data.get("data")?)?))
}

/// The connection has ended with close_notify, which may be what ends the reply; otherwise as
/// `otls_est_client_feed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_est_client_feed_end(
    client: *mut otls_est_client,
    reply: *mut *mut otls_est_reply,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (client, reply, error) = unsafe { (Handle::new(client), Out::new(reply), Out::new(error)) };
    answer(client, reply, error, |client| Ok(client.feed_end()?))
}

fn start(
    client: Out<otls_est_client>,
    request: Out<otls_blob>,
    error: Out<otls_error>,
    body: impl FnOnce() -> Result<(EstClient, Secret), Failure>,
) -> i32 {
    status(error, || {
        let (client_slot, request_slot) = (client.slot("client")?, request.slot("request")?);
        let (client, bytes) = body()?;
        client_slot.put(otls_est_client(Locked::new(client)));
        request_slot.put(otls_blob::new(bytes));
        Ok(())
    })
}

fn answer(
    client: Handle<'_, otls_est_client>,
    reply: Out<otls_est_reply>,
    error: Out<otls_error>,
    body: impl FnOnce(&mut EstClient) -> Result<Option<EstReply>, Failure>,
) -> i32 {
    status(error, || {
        let slot = reply.slot("reply")?;
        if let Some(complete) = body(&mut *client.required("client")?.0.lock()?)? {
            slot.put(otls_est_reply(Shared::new(complete)));
        }
        Ok(())
    })
}
