//! Which engine computes; the only place that asks the CPU.

use std::sync::OnceLock;

use super::fast;

/// An implementation of the primitives.
///
/// ```
/// use otls::crypto::Engine;
///
/// // Decided once: every later call gives the same answer.
/// assert_eq!(Engine::detect(), Engine::detect());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// RustCrypto, on any CPU.
    Portable,
    /// AWS-LC; a primitive that it lacks, or is slower at, comes from the portable engine.
    Fast,
}

impl Engine {
    /// The engine of this process: the fast one where it is compiled in,
    /// unless the environment variable `OTLS_ENGINE` is `portable`. Decided once.
    pub fn detect() -> Self {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        *ENGINE.get_or_init(|| choose(std::env::var_os(VARIABLE).as_deref(), fast::is_supported()))
    }
}

fn choose(wish: Option<&std::ffi::OsStr>, fast_is_supported: bool) -> Engine {
    if wish.is_some_and(|wish| wish == PORTABLE) || !fast_is_supported {
        Engine::Portable
    } else {
        Engine::Fast
    }
}

const VARIABLE: &str = "OTLS_ENGINE";
const PORTABLE: &str = "portable";

/// The engines that this process can run, for tests that hold one against the other.
#[cfg(test)]
#[expect(clippy::print_stderr, reason = "a test that skips an engine says so")]
pub(crate) fn available() -> Vec<Engine> {
    if fast::is_supported() {
        vec![Engine::Portable, Engine::Fast]
    } else {
        eprintln!("skipping the fast engine: not compiled in");
        vec![Engine::Portable]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn the_fast_engine_is_chosen_where_it_is_supported_and_not_declined() {
        assert_eq!(choose(None, true), Engine::Fast);
        assert_eq!(choose(Some(OsStr::new("fast")), true), Engine::Fast);
        assert_eq!(choose(Some(OsStr::new("")), true), Engine::Fast);
        assert_eq!(choose(Some(OsStr::new("portable")), true), Engine::Portable);
        assert_eq!(choose(None, false), Engine::Portable);
    }

    #[test]
    fn an_engine_that_was_detected_is_available() {
        assert!(available().contains(&Engine::detect()));
    }
}
