//! Files and messages that should hold certificates, requests or revocation lists.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::pki::{Certificate, CertificateRequest, Chain, Crl, PeerRole};
use otls_fuzz::{NOW, WORLD, bank_name};

fuzz_target!(|data: &[u8]| {
    if let Ok(chain) = Certificate::load_chain(data) {
        for certificate in &chain {
            let again = Certificate::load(certificate.to_pem().as_bytes()).unwrap();
            assert_eq!(certificate.to_der(), again.to_der());
            let _ = (certificate.subject().to_string(), certificate.names(), certificate.is_ca());
        }
    }
    let _ = CertificateRequest::load(data);
    let _ = Crl::load(data);
    // As it would come on the wire, in front of a good issuer.
    let Ok(chain) = Chain::from_der(&[data, WORLD.authority.certificate().to_der()]) else { return };
    for role in [PeerRole::Client, PeerRole::Server(bank_name())] {
        if WORLD.trust().verify(&chain, &role, NOW).is_ok() {
            let known = [&WORLD.bank, &WORLD.customer];
            assert!(known.iter().any(|identity| identity.certificate().to_der() == data));
        }
    }
});
