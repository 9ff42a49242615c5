//! Which engine computes; the only place that asks the CPU.

/// An implementation of the primitives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// RustCrypto, on any CPU.
    Portable,
    /// graviola, on CPUs that have what it needs.
    Fast,
}

impl Engine {
    /// The engine of this process: the fast one where it is compiled in and the CPU supports it,
    /// unless the environment variable `OTLS_ENGINE` is `portable`. Decided once.
    pub fn detect() -> Self {
        todo!()
    }
}
