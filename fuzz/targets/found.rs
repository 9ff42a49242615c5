//! Any file: every loader says the same of what it is not, in a few words, with something to do about it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::Error;
use otls::error::{CertificateError, KeyError};
use otls::pki::{Certificate, CertificateRequest, Crl, Identity, PrivateKey, PublicKey};
use otls_fuzz::PASSWORD;

fuzz_target!(|data: &[u8]| {
    let errors = [
        PrivateKey::load(data, None).err(),
        PrivateKey::load(data, Some(PASSWORD)).err(),
        PublicKey::load(data).err(),
        Certificate::load_authorities(data).err(),
        CertificateRequest::load(data).err(),
        Crl::load_all(data).err(),
        Identity::load(data, None).err(),
    ];
    let mut not_told = None;
    for error in errors.into_iter().flatten() {
        assert!(error.to_string().len() < 4096 && !error.hint().is_empty(), "{error:?}");
        let (Error::Key(KeyError::NotAKey(found)) | Error::Certificate(CertificateError::NotFound(found))) = error
        else {
            continue;
        };
        // What the data is says nothing of what was wanted; what it holds may be what another wanted.
        if found.what().starts_with("the data is") {
            assert_eq!(&found, not_told.get_or_insert_with(|| found.clone()));
        }
    }
});
