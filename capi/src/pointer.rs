//! C's pointers as types that are safe to use: what the caller promises is asked for once, where one
//! of these is made. All the dereferencing of the C API is in this file.
//!
//! The promise is the same everywhere, and `otls.h` says it: a pointer is NULL, or it points to as
//! much memory as its length says, aligned for its type and left alone by others during the call.
//! Memory that is written to need not be initialised.

use core::ffi::CStr;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;

use libc::{c_char, size_t};

use super::failure::Failure;
use otls::error::Error;

/// Elements that the caller passes.
#[derive(Clone, Copy)]
pub(super) struct Input<'a, T = u8> {
    data: *const T,
    len: size_t,
    call: PhantomData<&'a [T]>,
}

impl<'a, T> Input<'a, T> {
    /// # Safety
    /// `data` is NULL, or valid for reads of `len` initialised elements as long as `'a`.
    pub(super) const unsafe fn new(data: *const T, len: size_t) -> Self {
        Self { data, len, call: PhantomData }
    }

    /// The elements; NULL with a length of 0 is none.
    pub(super) fn get(self, name: &'static str) -> Result<&'a [T], Failure> {
        match NonNull::new(self.data.cast_mut()) {
            None if self.len == 0 => Ok(&[]),
            None => Err(Failure::Null(name)),
            Some(_)
                if self.len.checked_mul(size_of::<T>()).is_none_or(|len| isize::try_from(len).is_err()) =>
            {
                Err(Error::misuse("a length that no memory has", "pass the buffer's true length").into())
            }
            // SAFETY: `new` was promised this memory, and it has no more than isize::MAX octets.
            Some(data) => Ok(unsafe { slice::from_raw_parts(data.as_ptr(), self.len) }),
        }
    }

    /// The elements, or `None` for NULL.
    pub(super) fn optional(self, name: &'static str) -> Result<Option<&'a [T]>, Failure> {
        if self.data.is_null() && self.len == 0 { Ok(None) } else { self.get(name).map(Some) }
    }
}

impl<'a> Input<'a> {
    /// The octets as text.
    pub(super) fn text(self, name: &'static str) -> Result<&'a str, Failure> {
        let text = core::str::from_utf8(self.get(name)?);
        text.map_err(|_| NOT_UTF8.into())
    }
}

const NOT_UTF8: Error = Error::misuse("a text that is not UTF-8", "convert it to UTF-8 first");

/// A text that the caller passes, which ends in NUL.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    text: *const c_char,
    call: PhantomData<&'a CStr>,
}

impl<'a> Text<'a> {
    /// # Safety
    /// `text` is NULL, or valid for reads up to and with its first NUL as long as `'a`.
    pub(super) const unsafe fn new(text: *const c_char) -> Self {
        Self { text, call: PhantomData }
    }

    pub(super) fn get(self, name: &'static str) -> Result<&'a str, Failure> {
        self.optional()?.ok_or(Failure::Null(name))
    }

    /// The text, or `None` for NULL.
    pub(super) fn optional(self) -> Result<Option<&'a str>, Failure> {
        if self.text.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL, and `new` was promised the rest.
        let text = unsafe { CStr::from_ptr(self.text) };
        text.to_str().map(Some).map_err(|_| NOT_UTF8.into())
    }
}

/// A handle that the call changes; calls with it from several threads wait for each other.
#[derive(Clone, Copy)]
pub(super) struct Handle<'a, T>(Option<&'a T>);

impl<'a, T> Handle<'a, T> {
    /// # Safety
    /// `handle` is NULL, or one that the library made and that is not freed as long as `'a`.
    pub(super) const unsafe fn new(handle: *mut T) -> Self {
        // SAFETY: promised above. It is shared: what changes is behind a lock.
        Self(unsafe { handle.as_ref() })
    }

    pub(super) const fn optional(self) -> Option<&'a T> {
        self.0
    }

    pub(super) fn required(self, name: &'static str) -> Result<&'a T, Failure> {
        self.0.ok_or(Failure::Null(name))
    }
}

/// Where a new handle goes.
pub(super) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// # Safety
    /// `out` is NULL, or valid for writes during the call. It gets NULL for now, so that the caller
    /// finds no garbage after a failure.
    pub(super) const unsafe fn new(out: *mut *mut T) -> Self {
        if !out.is_null() {
            // SAFETY: promised above; `write` reads and drops nothing that was there.
            unsafe { out.write(ptr::null_mut()) };
        }
        Self(out)
    }

    #[cfg(test)]
    pub(super) const fn ignored() -> Self {
        Self(ptr::null_mut())
    }

    /// Checks, before any work is done, that there is a place.
    pub(super) const fn slot(self, name: &'static str) -> Result<Slot<T>, Failure> {
        if self.0.is_null() { Err(Failure::Null(name)) } else { Ok(Slot(self.0)) }
    }
}

/// The place of a new handle.
pub(super) struct Slot<T>(*mut *mut T);

impl<T> Slot<T> {
    /// Gives the caller `value`, to be freed by the handle's free function.
    pub(super) fn put(self, value: T) {
        // SAFETY: not NULL, and `Out::new` was promised the rest.
        unsafe { self.0.write(Box::into_raw(Box::new(value))) }
    }
}

/// Where a number goes.
pub(super) struct Value<T>(*mut T);

impl<T> Value<T> {
    /// # Safety
    /// `out` is NULL, or valid for writes during the call. It gets `initial` for now.
    pub(super) const unsafe fn new(out: *mut T, initial: T) -> Self
    where
        T: Copy,
    {
        if !out.is_null() {
            // SAFETY: promised above.
            unsafe { out.write(initial) };
        }
        Self(out)
    }

    /// Checks, before any work is done, that there is a place.
    pub(super) const fn check(&self, name: &'static str) -> Result<(), Failure> {
        if self.0.is_null() { Err(Failure::Null(name)) } else { Ok(()) }
    }

    /// Writes `value` if there is a place for it.
    pub(super) fn put(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and `new` was promised the rest.
            unsafe { self.0.write(value) }
        }
    }
}

/// Where a value is that a call replaces.
pub(super) struct InOut<T>(*mut T);

impl<T: Copy> InOut<T> {
    /// # Safety
    /// `value` is NULL, or valid for reads and writes during the call, and initialised.
    pub(super) const unsafe fn new(value: *mut T) -> Self {
        Self(value)
    }

    pub(super) fn get(&self, name: &'static str) -> Result<T, Failure> {
        let value = NonNull::new(self.0).ok_or(Failure::Null(name))?;
        // SAFETY: not NULL, and `new` was promised the rest.
        Ok(unsafe { value.read() })
    }

    /// Replaces it.
    pub(super) fn put(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and `new` was promised the rest.
            unsafe { self.0.write(value) }
        }
    }
}

/// A buffer of the caller for an output whose length he may not know: `len` is its room before, and
/// the output's length after.
pub(super) struct Buffer<T = u8> {
    data: *mut T,
    len: *mut size_t,
}

impl<T: Copy> Buffer<T> {
    /// # Safety
    /// `len` is NULL, or valid for reads and writes; `data` is NULL, or valid for writes of `*len`
    /// elements during the call.
    pub(super) const unsafe fn new(data: *mut T, len: *mut size_t) -> Self {
        Self { data, len }
    }

    /// Copies all of `output`, or nothing: then `*len` is what it takes.
    pub(super) fn fill(&self, output: &[T], name: &'static str) -> Result<(), Failure> {
        let Some(len) = NonNull::new(self.len) else { return Err(Failure::Null(name)) };
        // SAFETY: `new` was promised that a length is there.
        let room = unsafe { len.read() };
        if self.data.is_null() && room != 0 {
            return Err(Failure::Null(name));
        }
        // SAFETY: as above, for writes.
        unsafe { len.write(output.len()) };
        if room < output.len() {
            return Err(Failure::BufferTooSmall(name, output.len()));
        }
        if !output.is_empty() {
            // SAFETY: `data` is not NULL, since its room is not 0; `new` was promised that much, and
            // that nobody else, so not the library either, has this memory.
            unsafe { ptr::copy_nonoverlapping(output.as_ptr(), self.data, output.len()) };
        }
        Ok(())
    }
}

/// Octets of the caller that the library changes.
pub(super) struct Lent<'a> {
    data: *mut u8,
    len: size_t,
    call: PhantomData<&'a mut [u8]>,
}

impl<'a> Lent<'a> {
    /// # Safety
    /// `data` is NULL, or valid for reads and writes of `len` initialised octets as long as `'a`, with nobody else
    /// using it.
    pub(super) const unsafe fn new(data: *mut u8, len: size_t) -> Self {
        Self { data, len, call: PhantomData }
    }

    /// The octets; NULL with a length of 0 is none.
    pub(super) fn get(self, name: &'static str) -> Result<&'a mut [u8], Failure> {
        check(self.data, self.len, name)?;
        if self.len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: not NULL, no more than isize::MAX octets, and `new` was promised the rest.
        Ok(unsafe { slice::from_raw_parts_mut(self.data, self.len) })
    }
}

/// A buffer of the caller of a given length, to be filled by the library.
pub(super) struct Room<'a> {
    data: *mut u8,
    len: size_t,
    call: PhantomData<&'a mut [u8]>,
}

impl<'a> Room<'a> {
    /// # Safety
    /// `data` is NULL, or valid for writes of `len` octets as long as `'a`, with nobody else using it.
    pub(super) const unsafe fn new(data: *mut u8, len: size_t) -> Self {
        Self { data, len, call: PhantomData }
    }

    /// The number of octets that fit; NULL fits none.
    pub(super) fn check(&self, name: &'static str) -> Result<(), Failure> {
        check(self.data, self.len, name)
    }

    /// The buffer, its first `most` octets at most, set to zero: a slice must be initialised.
    pub(super) fn zeroed(self, most: usize, name: &'static str) -> Result<&'a mut [u8], Failure> {
        self.check(name)?;
        let len = self.len.min(most);
        if len == 0 {
            return Ok(&mut []);
        }
        // SAFETY: not NULL, and `new` was promised this much memory; it is initialised here before it
        // is lent as a slice.
        Ok(unsafe {
            self.data.write_bytes(0, len);
            slice::from_raw_parts_mut(self.data, len)
        })
    }
}

/// That there is memory where a length says so.
fn check(data: *mut u8, len: size_t, name: &'static str) -> Result<(), Failure> {
    if data.is_null() && len != 0 {
        return Err(Failure::Null(name));
    }
    if isize::try_from(len).is_err() {
        return Err(Error::misuse("a length that no memory has", "pass the buffer's true length").into());
    }
    Ok(())
}
