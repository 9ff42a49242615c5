//! Messages by mail: as they come, what is inside their encryption, and honest ones with a few octets
//! changed. Nothing comes out that nobody has signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::cms;
use otls::crypto::SystemRandom;
use otls::otp::Mail;
use otls::pki::{PeerRole, VerifyOptions};
use otls_fuzz::{MAIL, NOW, bank_name};

fuzz_target!(|data: &[u8]| {
    let Some((mode, data)) = data.split_first() else { return };
    let (trust, role) = (MAIL.trust(), PeerRole::Server(bank_name()));
    let open = |message: &[u8]| {
        let recipient = if mode & 8 == 0 { &MAIL.customer } else { &MAIL.rsa_customer };
        cms::open(message, recipient, &VerifyOptions::new(&trust, &role, NOW), &SystemRandom)
    };
    match mode & 7 {
        0 => {
            if let Ok(opened) = open(data) {
                assert!(MAIL.has_signed(opened.content.expose()));
            }
        }
        1 => {
            if let Ok(verified) = cms::verify(data, &VerifyOptions::new(&trust, &role, NOW)) {
                assert!(MAIL.has_signed(verified.content.expose()));
            }
        }
        2 => {
            let message = changed(&MAIL.sealed, data);
            assert!(open(&message).is_err() || message == MAIL.sealed);
        }
        3 => {
            let message = changed(&MAIL.signed, data);
            let verified = cms::verify(&message, &VerifyOptions::new(&trust, &role, NOW));
            assert!(verified.is_err() || message == MAIL.signed);
        }
        // A content that the bank has signed, whatever it is.
        _ => {
            let to = MAIL.customer.certificate();
            let Ok(message) = cms::seal(data, &MAIL.bank, to, NOW, &SystemRandom) else { return };
            let opened =
                cms::open(&message, &MAIL.customer, &VerifyOptions::new(&trust, &role, NOW), &SystemRandom)
                    .unwrap();
            assert_eq!(opened.content.expose(), data);
            let opened = Mail::open_free_text(
                &message,
                &MAIL.customer,
                &VerifyOptions::new(&trust, &role, NOW),
                &SystemRandom,
            );
            if let Ok(mail) = opened {
                let again = Mail::seal(&mail.envelope, &MAIL.bank, to, NOW, &SystemRandom).unwrap();
                let again =
                    cms::open(&again, &MAIL.customer, &VerifyOptions::new(&trust, &role, NOW), &SystemRandom)
                        .unwrap();
                assert_eq!(again.content.expose(), data);
            }
        }
    }
});

/// `message` with octets changed: three of `edits` say where and how.
fn changed(message: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut changed = message.to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(edit[0]) << 8 | usize::from(edit[1]);
        let len = changed.len();
        changed[at % len] ^= edit[2];
    }
    changed
}
