//! What a client keeps of a session, and what servers share: files that should hold them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::{Session, TicketKeys};
use otls_fuzz::NOW;

fuzz_target!(|data: &[u8]| {
    if let Ok(session) = Session::from_bytes(data) {
        let again = Session::from_bytes(session.to_bytes().expose()).unwrap();
        assert_eq!(again.to_bytes().expose(), session.to_bytes().expose());
    }
    if let Ok(keys) = TicketKeys::from_bytes(data, NOW) {
        assert!(TicketKeys::from_bytes(keys.to_bytes(NOW).unwrap().expose(), NOW).is_ok());
    }
});
