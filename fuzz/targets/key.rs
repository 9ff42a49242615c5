//! Files that should hold a private or a public key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::pki::{PrivateKey, PublicKey};
use otls_fuzz::Counted;

fuzz_target!(|data: &[u8]| {
    let _ = PrivateKey::load(data, Some(b"password"));
    if let Ok(key) = PrivateKey::load(data, None) {
        let der = key.to_der(None, &Counted::default()).unwrap();
        let again = PrivateKey::load(der.expose(), None).unwrap();
        assert_eq!(key.public_key().to_der(), again.public_key().to_der());
    }
    if let Ok(key) = PublicKey::load(data) {
        let again = PublicKey::load(key.to_pem().as_bytes()).unwrap();
        assert_eq!(key.to_der(), again.to_der());
    }
});
