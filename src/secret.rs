//! Secrets: move-only, wiped when dropped, compared in constant time, never printed.

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Secret bytes on the heap. No `Clone`; wiped when dropped; `Debug` shows none of them.
///
/// ```
/// let secret = otls::Secret::from(b"hunter2".to_vec());
/// assert!(secret.ct_eq(b"hunter2"));
/// assert!(!secret.ct_eq(b"hunter3"));
/// ```
pub struct Secret(Zeroizing<Vec<u8>>);

crate::shown::shown!(Secret);

impl Secret {
    /// The bytes; name the reason for looking at them where you call this.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Compares with `other` in time that depends on the lengths alone.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        ct_eq(&self.0, other)
    }

    /// The number of octets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

/// A secret of at most `N` octets without a heap allocation; wiped when dropped.
pub(crate) struct FixedSecret<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> FixedSecret<N> {
    /// `len` zero octets to be filled by `fill`; `len` is capped at `N`, which is at most 255.
    pub(crate) fn filled_by<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self { bytes: [0; N], len: u8::try_from(len.min(N)).unwrap_or(u8::MAX) };
        fill(secret.expose_mut())?;
        Ok(secret)
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn expose_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..usize::from(self.len)).unwrap_or_default()
    }
}

impl<const N: usize> Drop for FixedSecret<N> {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Equality in time that depends on the lengths alone.
pub(crate) fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    verdict(a.ct_eq(b))
}

/// The outcome of a comparison: the caller accepts or refuses by it, and so everybody may know it.
pub(crate) fn verdict(choice: Choice) -> bool {
    published(choice.unwrap_u8()) == 1
}

/// A number that was computed from a secret and that the caller may know, such as the length of a plaintext.
pub(crate) fn published(octet: u8) -> u8 {
    #[cfg(test)]
    crate::undefined::public(core::slice::from_ref(&octet));
    octet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::undefined;

    #[test]
    fn secrets_of_different_length_are_unequal() {
        assert!(!Secret::from(vec![1, 2]).ct_eq(&[1, 2, 3]));
        assert!(!ct_eq(&[], &[0]));
        assert!(ct_eq(&[], &[]));
    }

    #[test]
    fn secrets_are_compared_in_constant_time() {
        undefined::check(|| {
            let secret = Secret::from(b"256345".to_vec());
            undefined::secret(secret.expose());
            assert!(secret.ct_eq(b"256345"));
            for at in 0..secret.len() {
                let mut other = *b"256345";
                other[at] ^= 1;
                assert!(!secret.ct_eq(&other));
            }
        });
    }

    #[test]
    fn a_fixed_secret_holds_what_was_filled_in() {
        let secret = FixedSecret::<4>::filled_by(3, |out| {
            out.copy_from_slice(&[1, 2, 3]);
            Ok::<_, ()>(())
        });
        assert!(secret.is_ok_and(|secret| secret.expose() == [1, 2, 3]));
    }
}
