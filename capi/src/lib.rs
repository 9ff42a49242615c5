//! The C API: `include/otls.h` and `include/otls_oath.h` are generated from here.
//!
//! Every function converts what C gives, calls the rooms below and converts back:
//! - `pointer.rs` turns pointers into types that are safe to use, and has all the dereferencing;
//! - `guard.rs` lets no panic out and reports failures;
//! - `handle.rs` is what an opaque handle holds.
//!
//! A handle that is passed is an `Option<&T>`, and one that is freed an `Option<Box<T>>`: both are a
//! nullable pointer in C. The names are C's own.
//!
//! A function that takes other pointers is `unsafe`, and asks what `otls.h` says once for all of them:
//! each is NULL, or points to as much memory as its length says, aligned, not used by others during the
//! call, and initialised where it is read.

#![allow(unsafe_code, non_camel_case_types, unreachable_pub)]

mod audit;
mod authority;
mod blob;
mod certificate;
mod channel;
mod cms;
#[allow(dead_code, reason = "the header is made of them")]
mod codes;
mod config;
mod connection;
mod context;
mod crypt;
mod error;
mod est;
mod est_reply;
mod facts;
mod failure;
mod guard;
mod handle;
mod hotp;
mod identity;
mod issued;
mod kept;
mod key;
mod ledger;
mod message;
mod name;
mod oath;
mod ocra;
mod otpauth;
mod path;
mod pointer;
mod public_key;
mod receipt;
mod request;
mod session;
mod terms;
mod ticket_keys;
mod totp;
mod trust;
#[allow(dead_code, reason = "the header is made of them")]
mod values;
mod verify;

#[cfg(test)]
mod tests {
    #[test]
    fn any_thread_may_use_any_handle() {
        const fn shareable<T: Send + Sync>() {}
        shareable::<super::authority::otls_authority>();
        shareable::<super::blob::otls_blob>();
        shareable::<super::certificate::otls_certificate>();
        shareable::<super::channel::otls_otp_channel>();
        shareable::<super::message::otls_otp_message>();
        shareable::<super::config::otls_client_config>();
        shareable::<super::config::otls_server_config>();
        shareable::<super::connection::otls_connection>();
        shareable::<super::crypt::otls_aead>();
        shareable::<super::error::otls_error>();
        shareable::<super::est::otls_est_client>();
        shareable::<super::est_reply::otls_est_reply>();
        shareable::<super::key::otls_key>();
        shareable::<super::public_key::otls_public_key>();
        shareable::<super::hotp::otls_hotp>();
        shareable::<super::totp::otls_totp>();
        shareable::<super::ocra::otls_ocra>();
        shareable::<super::receipt::otls_receipt>();
        shareable::<super::context::otls_otp_context>();
        shareable::<super::issued::otls_otp_issued>();
        shareable::<super::ledger::otls_otp_ledger>();
        shareable::<super::otpauth::otls_otpauth>();
        shareable::<super::name::otls_name>();
        shareable::<super::request::otls_request>();
        shareable::<super::session::otls_session>();
        shareable::<super::ticket_keys::otls_ticket_keys>();
        shareable::<super::identity::otls_identity>();
        shareable::<super::trust::otls_trust_store>();
    }
}
