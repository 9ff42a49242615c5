//! `otpauth` URIs, OCRA suites and challenges that somebody else wrote.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otls::otp::oath::{Ocra, OcraInput, OcraSuite, OtpAuth, Pin, SharedSecret};
use otls::{Secret, UnixTime};
use otls_fuzz::NOW;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Ok(auth) = OtpAuth::parse(text) {
        let uri = auth.to_uri();
        let uri = core::str::from_utf8(uri.expose()).unwrap();
        assert!(uri.len() <= OtpAuth::MAX_LEN);
        let again = OtpAuth::parse(uri).unwrap();
        assert_eq!(again.to_uri().expose(), uri.as_bytes(), "what is written is read as it was");
        assert_eq!((again.issuer(), again.account()), (auth.issuer(), auth.account()));
        match (auth.totp(), auth.hotp()) {
            (Some(totp), None) => assert_eq!(totp.code(NOW).expose().len(), totp.digits()),
            (None, Some((hotp, counter))) => assert_eq!(hotp.code(counter).expose().len(), hotp.digits()),
            _ => panic!("a URI is for one kind of codes"),
        }
    }
    let _ = SharedSecret::from_base32(text);
    // A suite, and on the lines below it the challenges.
    let mut lines = text.split('\n');
    let Some(Ok(suite)) = lines.next().map(OcraSuite::parse) else { return };
    assert_eq!(OcraSuite::parse(&suite.to_string()).as_ref(), Ok(&suite));
    let session = vec![7; suite.session_len().unwrap_or_default()];
    let input = OcraInput {
        challenge: lines.next().unwrap_or("1"),
        second_challenge: lines.next(),
        counter: suite.has_counter().then_some(7),
        pin: suite.pin().map(|_| Pin::Plain(b"1234")),
        session: suite.session_len().map(|_| session.as_slice()),
        time: suite.time_step().map(|_| UnixTime(NOW.0)),
    };
    let secret = SharedSecret::new(Secret::from(vec![7; 20])).unwrap();
    let whole = suite.hash().output_len() * 2;
    let digits = if suite.digits() == 0 { whole } else { suite.digits() };
    if let Ok(response) = Ocra::new(secret, suite).response(&input) {
        assert_eq!(response.expose().len(), digits);
    }
});
