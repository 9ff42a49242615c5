//! `otls_blob`: output of a length that the caller cannot know.

use libc::size_t;

use super::guard;
use super::handle::Shared;
use super::pointer::Value;
use otls::Secret;

/// Octets that the library made: DER, PEM, a text. They are zeroised when the blob is freed.
pub struct otls_blob(Shared<Secret>);

impl otls_blob {
    pub(super) fn new(octets: Secret) -> Self {
        Self::copy_of(octets.expose())
    }

    /// With a NUL behind them, so that a text is one for C as well.
    pub(super) fn copy_of(octets: impl AsRef<[u8]>) -> Self {
        Self(Shared::new(Secret::from([octets.as_ref(), b"\0"].concat())))
    }
}

/// The octets of a blob and, in `*len` (may be NULL), their number. They belong to the blob. Behind them is a NUL that
/// is not counted, so a text, which is UTF-8, may be cast to `const char *`. For NULL and for an empty blob: NULL and
/// 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn otls_blob_data(blob: Option<&otls_blob>, len: *mut size_t) -> *const u8 {
    // SAFETY: the caller keeps the rules for pointers.
    let len = unsafe { Value::new(len, 0) };
    guard::value(core::ptr::null(), || {
        let octets = blob.and_then(|blob| blob.0.lend()).and_then(|octets| octets.expose().split_last());
        lend(octets.map(|(_nul, octets)| octets), &len)
    })
}

/// Zeroises and frees a blob. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn otls_blob_free(blob: Option<Box<otls_blob>>) {
    guard::value((), || drop(blob));
}

/// Octets of a handle as C borrows them.
pub(super) fn lend(octets: Option<&[u8]>, len: &Value<size_t>) -> *const u8 {
    match octets {
        None | Some([]) => core::ptr::null(),
        Some(octets) => {
            len.put(octets.len());
            octets.as_ptr()
        }
    }
}
