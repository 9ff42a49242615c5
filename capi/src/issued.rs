//! `otls_otp_issued`: a code that was just issued.

use libc::size_t;

use super::blob::lend;
use super::error::otls_error;
use super::failure::Failure;
use super::guard::{self, required, status};
use super::handle::Shared;
use super::pointer::{Buffer, Input, Out, Value};
use otls::error::Error;
use otls::otp::{Issued, OtpId};

/// A code that was just issued.
pub struct otls_otp_issued(pub(super) Shared<Issued>);

/// Zeroises and frees an issued code; the ledger goes on knowing it. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_otp_issued_free(issued: Option<Box<otls_otp_issued>>) {
    guard::value((), || drop(issued));
}

/// The identifier of an issued code, `OTLS_OTP_ID_LEN` octets, into the caller's buffer. It is not secret.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_issued_id(
    issued: Option<&otls_otp_issued>,
    id: *mut u8,
    id_len: *mut size_t,
    error: *mut *mut otls_error,
) -> i32 {
    // SAFETY: the caller keeps the rules for pointers.
    let (id, error) = unsafe { (Buffer::new(id, id_len), Out::new(error)) };
    status(error, || id.fill(&required(issued, "issued")?.0.get()?.id.0, "id"))
}

/// The issued code, ASCII digits, and in `*len` (may be NULL) their number. They are secret, and belong to
/// the issued code. NULL and 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_otp_issued_code(
    issued: Option<&otls_otp_issued>,
    len: *mut size_t,
) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let issued = issued.and_then(|issued| issued.0.lend());
        lend(issued.map(|issued| issued.code.expose().as_bytes()), &len)
    })
}

pub(super) fn otp_id(octets: Input<'_>) -> Result<OtpId, Failure> {
    let id = octets.get("id")?.try_into().map(OtpId);
    id.map_err(|_| {
        Error::misuse("an identifier that has not 16 octets", "pass that of the message or the issued code")
            .into()
    })
}
