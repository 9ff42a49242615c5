//! PKCS#12 files. The first octet says whether the rest is a file, or what its MAC protects: under a MAC that is
//! right, so that the parser behind it is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::pki::{Identity, Pkcs12};
use otls_fuzz::{PASSWORD, pkcs12};

fuzz_target!(|data: &[u8]| {
    let Some((&first, rest)) = data.split_first() else { return };
    let file = if first & 1 == 0 { rest.to_vec() } else { pkcs12(rest) };
    let store = Pkcs12::load(&file, PASSWORD);
    if let Ok(store) = &store {
        let all = store.certificates();
        let _ = store.authorities();
        if let Ok(identity) = Identity::load(&file, Some(PASSWORD)) {
            assert_eq!(all.unwrap(), identity.chain().to_vec());
            assert_eq!(store.key().unwrap().public_key(), identity.key().public_key());
        }
    }
    // The costs of a wrong password end with the MAC.
    assert!(Pkcs12::load(&file, b"another").is_err());
});
