//! What the tests of this room share.

use std::sync::Mutex;

use super::Random;
use crate::error::{Error, Result};

/// Hexadecimal to octets.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|c| u8::try_from(c.to_digit(16).expect("a hexadecimal digit")).unwrap()).collect();
    assert!(digits.len().is_multiple_of(2));
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// A random source that gives these octets and then fails.
pub(crate) struct Given(Mutex<Vec<u8>>);

impl Given {
    pub(crate) fn octets(octets: &[u8]) -> Self {
        Self(Mutex::new(octets.to_vec()))
    }

    /// How many octets were not drawn.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Random for Given {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        let mut octets = self.0.lock().unwrap();
        if octets.len() < out.len() {
            return Err(Error::Random);
        }
        out.copy_from_slice(&octets[..out.len()]);
        octets.drain(..out.len());
        Ok(())
    }
}
