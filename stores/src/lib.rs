//! Stores of the ledger of [`otls`] that are servers, for any number of machines: a [`RedisStore`] (feature
//! `redis`) and a [`PostgresStore`] (feature `postgres`). [`open`] finds the store that an address names,
//! those of `otls` itself among them.

#[cfg(any(feature = "postgres", feature = "redis"))]
mod call;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;

use otls::crypto::{Random as _, SystemRandom};
use otls::otp::{Ledger, MemoryStore, Store};
use otls::{Error, Result, Secret};
use zeroize::Zeroizing;

#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "redis")]
pub use redis::RedisStore;

const MEMORY: &str = "memory:";

/// The store that an address names: `memory:`, `sqlite:PATH`, `redis://…` or `postgresql://…`.
///
/// ```
/// assert!(otls_stores::open("memory:").is_ok());
/// assert!(otls_stores::open("file.db").is_err());
/// ```
///
/// # Errors
/// [`Error::ApiMisuse`] for another address, and for a store that this build leaves out;
/// [`otls::error::OtpError::Store`].
pub fn open(address: &str) -> Result<Box<dyn Store>> {
    let unknown = Err(Error::misuse(
        "an address that names no store",
        "pass memory:, sqlite:PATH, redis://HOST or postgresql://HOST/DATABASE",
    ));
    match address.split_once(':') {
        Some(("memory", "")) => Ok(Box::new(MemoryStore::default())),
        Some(("sqlite", path)) if !path.is_empty() => sqlite(path),
        Some(("redis" | "redis+unix", _)) => redis(address),
        Some(("postgresql" | "postgres", _)) => postgres(address),
        Some(_) | None => unknown,
    }
}

/// A ledger over the store that `address` names, see [`open`]. Where there is no `pepper` one is drawn: for
/// `memory:` alone, which ends with the program as well.
///
/// ```
/// assert!(otls_stores::open_ledger("memory:", None).is_ok());
/// assert!(otls_stores::open_ledger("sqlite:otp.sqlite", None).is_err());
/// ```
///
/// # Errors
/// As [`open`] and [`Ledger::new`]; [`Error::ApiMisuse`] where a pepper is needed; [`Error::Random`].
pub fn open_ledger(address: &str, pepper: Option<Secret>) -> Result<Ledger> {
    let pepper = match pepper {
        Some(pepper) => pepper,
        None if address == MEMORY => {
            let mut drawn = Zeroizing::new(vec![0; Ledger::MIN_PEPPER_LEN]);
            SystemRandom.fill(&mut drawn)?;
            Secret::from(drawn)
        }
        None => {
            return Err(Error::misuse(
                "a store that outlives the program, without a pepper",
                "draw 32 random octets once and keep them apart from the store",
            ));
        }
    };
    Ledger::new(open(address)?, pepper)
}

macro_rules! opener {
    ($name:ident, $feature:literal, $store:path) => {
        #[cfg(feature = $feature)]
        fn $name(address: &str) -> Result<Box<dyn Store>> {
            use $store as Named;
            Ok(Box::new(Named::open(address.as_ref())?))
        }

        #[cfg(not(feature = $feature))]
        fn $name(_address: &str) -> Result<Box<dyn Store>> {
            Err(Error::misuse(
                concat!("this build of otls has no ", $feature, " store"),
                concat!("build it with the feature '", $feature, "'"),
            ))
        }
    };
}

opener!(sqlite, "sqlite", otls::otp::SqliteStore);
opener!(redis, "redis", crate::RedisStore);
opener!(postgres, "postgres", crate::PostgresStore);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_place_is_refused() {
        for address in ["sqlite:", "memory:here", "memory", "", "mysql://127.0.0.1"] {
            let refused = open(address).err().unwrap();
            assert!(refused.to_string().contains("names no store"), "{address}: {refused}");
        }
    }
}
