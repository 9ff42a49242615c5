//! Path validation of certificates and lists that say anything, and are rightly signed: the input is what is
//! signed, after an octet that says where it stands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::pki::{Certificate, Chain, Crl, PeerRole};
use otls_fuzz::{NOW, WORLD, bank_name, signed};

fuzz_target!(|data: &[u8]| {
    let Some((&place, tbs)) = data.split_first() else { return };
    let mut trust = WORLD.trust();
    let mut chain = vec![WORLD.below.certificate().to_der().to_vec()];
    match place % 4 {
        0 => chain = vec![signed(tbs, WORLD.authority.key())],
        1 => chain.push(signed(tbs, WORLD.authority.key())),
        2 => {
            let Ok(list) = Crl::load(&signed(tbs, WORLD.authority.key())) else { return };
            assert!(!list.to_text().is_empty());
            trust.add_crl(list);
            chain.push(WORLD.branch.certificate().to_der().to_vec());
        }
        _ => {
            if let Ok(certificate) = Certificate::load(&signed(tbs, WORLD.branch.key())) {
                assert!(!certificate.to_text().is_empty());
                trust.add_intermediate(&certificate);
            }
            chain.push(WORLD.branch.certificate().to_der().to_vec());
        }
    }
    for role in [PeerRole::Client, PeerRole::Server(bank_name()), PeerRole::Any] {
        let chain = Chain::from_der(&chain);
        if let Err(report) = chain.and_then(|chain| trust.verify(&chain, &role, NOW)) {
            assert!(!report.to_string().is_empty());
        }
    }
});
