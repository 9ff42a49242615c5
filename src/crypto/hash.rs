//! SHA-256 and SHA-384 (FIPS 180-4).

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
}

/// Octets in the longest output here.
pub const MAX_OUTPUT_LEN: usize = 48;

impl HashAlgorithm {
    /// Octets in its output.
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// The output of a hash or HMAC.
#[derive(Clone, Copy)]
pub struct Digest {
    bytes: [u8; MAX_OUTPUT_LEN],
    len: usize,
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// A hash of data that comes in pieces; cloning it forks it.
#[derive(Clone)]
pub struct HashContext(());

impl HashContext {
    /// A hash of nothing so far.
    pub fn new(algorithm: HashAlgorithm) -> Self {
        let _ = algorithm;
        todo!()
    }

    /// The algorithm.
    pub fn algorithm(&self) -> HashAlgorithm {
        todo!()
    }

    /// Adds `data`.
    pub fn update(&mut self, data: &[u8]) {
        let _ = data;
        todo!()
    }

    /// The hash of all that was added.
    pub fn finish(self) -> Digest {
        todo!()
    }
}

/// The hash of `data`.
pub fn digest(algorithm: HashAlgorithm, data: &[u8]) -> Digest {
    let mut context = HashContext::new(algorithm);
    context.update(data);
    context.finish()
}
