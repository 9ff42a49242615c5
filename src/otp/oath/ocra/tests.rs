//! The vectors of RFC 6287 appendix C, and what does not fit a suite.

use super::*;
use crate::secret::Secret;

const NONE: OcraInput<'_> =
    OcraInput { challenge: "", second_challenge: None, counter: None, pin: None, session: None, time: None };
const PIN: Option<Pin<'_>> = Some(Pin::Plain(b"1234"));
/// 2008-03-25T12:06:30Z, which is minute 0x132D0B6.
const TIME: Option<UnixTime> = Some(UnixTime(1_206_446_790));

/// The secrets of appendix C have 20, 32 or 64 octets, as the hash.
fn ocra(suite: &str) -> Ocra {
    let suite = OcraSuite::parse(suite).unwrap();
    let octets: Vec<u8> = b"1234567890".iter().copied().cycle().take(suite.hash().output_len()).collect();
    Ocra::new(SharedSecret::new(Secret::from(octets)).unwrap(), suite)
}

fn check(suite: &str, input: &OcraInput<'_>, response: &str) {
    let ocra = ocra(suite);
    assert_eq!(ocra.response(input).unwrap().expose(), response, "{suite} {}", input.challenge);
    assert_eq!(ocra.verify(input, response), Ok(true));
    assert_eq!(ocra.verify(input, &format!(" {}-{}\n", &response[..3], &response[3..])), Ok(true));
    assert_eq!(ocra.verify(input, &response.to_ascii_uppercase()), Ok(true));
    let another = response.replace(|digit| digit != '0', "0");
    assert_eq!(ocra.verify(input, &another), Ok(false));
    for typed in ["", &response[1..], &format!("{response}0"), &format!("{}g", &response[1..])] {
        let refused = ocra.verify(input, typed).err();
        assert!(matches!(refused, Some(Error::Otp(OtpError::NotACode(_)))), "{typed}: {refused:?}");
    }
}

/// `00000000`, `11111111` and so on.
fn repeated(digit: usize) -> String {
    digit.to_string().repeat(8)
}

#[test]
fn the_one_way_vectors_of_rfc_6287_come_out() {
    let responses =
        ["237653", "243178", "653583", "740991", "608993", "388898", "816933", "224598", "750600", "294470"];
    for (digit, response) in responses.into_iter().enumerate() {
        let input = OcraInput { challenge: &repeated(digit), ..NONE };
        check("OCRA-1:HOTP-SHA1-6:QN08", &input, response);
    }
    let responses = [
        "65347737", "86775851", "78192410", "71565254", "10104329", "65983500", "70069104", "91771096",
        "75011558", "08522129",
    ];
    for (counter, response) in (0..).zip(responses) {
        let input = OcraInput { challenge: "12345678", counter: Some(counter), pin: PIN, ..NONE };
        check("OCRA-1:HOTP-SHA256-8:C-QN08-PSHA1", &input, response);
    }
    let responses = ["83238735", "01501458", "17957585", "86776967", "86807031"];
    for (digit, response) in responses.into_iter().enumerate() {
        let input = OcraInput { challenge: &repeated(digit), pin: PIN, ..NONE };
        check("OCRA-1:HOTP-SHA256-8:QN08-PSHA1", &input, response);
    }
    let responses = [
        "07016083", "63947962", "70123924", "25341727", "33203315", "34205738", "44343969", "51946085",
        "20403879", "31409299",
    ];
    for (counter, response) in (0..).zip(responses) {
        let challenge = repeated(usize::try_from(counter).unwrap());
        let input = OcraInput { challenge: &challenge, counter: Some(counter), ..NONE };
        check("OCRA-1:HOTP-SHA512-8:C-QN08", &input, response);
    }
    let responses = ["95209754", "55907591", "22048402", "24218844", "36209546"];
    for (digit, response) in responses.into_iter().enumerate() {
        let input = OcraInput { challenge: &repeated(digit), time: TIME, ..NONE };
        check("OCRA-1:HOTP-SHA512-8:QN08-T1M", &input, response);
    }
}

#[test]
fn the_mutual_vectors_of_rfc_6287_come_out() {
    // The server answers to the client's challenge and its own, the client the other way round.
    for (suite, client_pin, rows) in [
        (
            "OCRA-1:HOTP-SHA256-8:QA08",
            None,
            [
                ("CLI22220", "SRV11110", "28247970", "15510767"),
                ("CLI22221", "SRV11111", "01984843", "90175646"),
                ("CLI22222", "SRV11112", "65387857", "33777207"),
                ("CLI22223", "SRV11113", "03351211", "95285278"),
                ("CLI22224", "SRV11114", "83412541", "28934924"),
            ],
        ),
        (
            "OCRA-1:HOTP-SHA512-8:QA08",
            PIN,
            [
                ("CLI22220", "SRV11110", "79496648", "18806276"),
                ("CLI22221", "SRV11111", "76831980", "70020315"),
                ("CLI22222", "SRV11112", "12250499", "01600026"),
                ("CLI22223", "SRV11113", "90856481", "18951020"),
                ("CLI22224", "SRV11114", "12761449", "32528969"),
            ],
        ),
    ] {
        let of_client = if client_pin.is_some() { format!("{suite}-PSHA1") } else { suite.to_owned() };
        for (client, server, server_says, client_says) in rows {
            check(
                suite,
                &OcraInput { challenge: client, second_challenge: Some(server), ..NONE },
                server_says,
            );
            let input =
                OcraInput { challenge: server, second_challenge: Some(client), pin: client_pin, ..NONE };
            check(&of_client, &input, client_says);
        }
    }
}

#[test]
fn the_signature_vectors_of_rfc_6287_come_out() {
    for (challenge, response) in [
        ("SIG10000", "53095496"),
        ("SIG11000", "04110475"),
        ("SIG12000", "31331128"),
        ("SIG13000", "76028668"),
        ("SIG14000", "46554205"),
    ] {
        check("OCRA-1:HOTP-SHA256-8:QA08", &OcraInput { challenge, ..NONE }, response);
    }
    for (challenge, response) in [
        ("SIG1000000", "77537423"),
        ("SIG1100000", "31970405"),
        ("SIG1200000", "10235557"),
        ("SIG1300000", "95213541"),
        ("SIG1400000", "65360607"),
    ] {
        check("OCRA-1:HOTP-SHA512-8:QA10-T1M", &OcraInput { challenge, time: TIME, ..NONE }, response);
    }
}

#[test]
fn every_input_changes_the_response() {
    let ocra = ocra("OCRA-1:HOTP-SHA1-0:C-QH08-PSHA512-S003-T20S");
    let input = OcraInput {
        challenge: "0123abcd",
        counter: Some(7),
        pin: Some(Pin::Plain(b"1234")),
        session: Some(b"abc"),
        time: Some(UnixTime(100)),
        ..NONE
    };
    let response = ocra.response(&input).unwrap();
    assert_eq!(response.expose().len(), 40, "the whole HMAC, in hexadecimal");
    assert!(response.expose().bytes().all(|octet| octet.is_ascii_hexdigit()));
    for other in [
        OcraInput { challenge: "0123abcc", ..input },
        OcraInput { second_challenge: Some("1"), ..input },
        OcraInput { counter: Some(8), ..input },
        OcraInput { pin: Some(Pin::Plain(b"1235")), ..input },
        OcraInput { session: Some(b"abd"), ..input },
        OcraInput { time: Some(UnixTime(120)), ..input },
    ] {
        assert!(!ocra.verify(&other, response.expose()).unwrap());
    }
    let same_step = OcraInput { time: Some(UnixTime(119)), ..input };
    assert_eq!(ocra.verify(&same_step, response.expose()), Ok(true));
}

#[test]
fn the_hash_of_a_pin_is_as_good_as_the_pin() {
    let ocra = ocra("OCRA-1:HOTP-SHA256-8:QN08-PSHA1");
    let hashed = digest(OathHash::Sha1, b"1234");
    let input = OcraInput { challenge: "11111111", pin: Some(Pin::Hashed(hashed.expose())), ..NONE };
    assert_eq!(ocra.response(&input).unwrap().expose(), "01501458");
    for wrong in [&hashed.expose()[1..], b"1234", &[]] {
        let input = OcraInput { pin: Some(Pin::Hashed(wrong)), ..input };
        assert!(refusal(&ocra, &input).contains("SHA1 and has 20 octets"));
    }
}

fn refusal(ocra: &Ocra, input: &OcraInput<'_>) -> String {
    match ocra.verify(input, "123456") {
        Err(Error::Otp(OtpError::Suite(why))) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn inputs_that_the_suite_has_not_and_that_are_missing_are_refused_by_name() {
    let full = ocra("OCRA-1:HOTP-SHA1-6:C-QN08-PSHA1-S064-T1M");
    let session = [0; 64];
    let input = OcraInput {
        challenge: "1",
        second_challenge: None,
        counter: Some(0),
        pin: PIN,
        session: Some(&session),
        time: TIME,
    };
    assert!(full.response(&input).is_ok());
    let bare = ocra("OCRA-1:HOTP-SHA1-6:QN08");
    let least = OcraInput { challenge: "1", ..NONE };
    for (missing, surplus, name) in [
        (OcraInput { counter: None, ..input }, OcraInput { counter: Some(0), ..least }, "a counter"),
        (OcraInput { pin: None, ..input }, OcraInput { pin: PIN, ..least }, "a PIN"),
        (OcraInput { session: None, ..input }, OcraInput { session: Some(&session), ..least }, "session"),
        (OcraInput { time: None, ..input }, OcraInput { time: TIME, ..least }, "a time"),
    ] {
        let why = refusal(&full, &missing);
        assert!(why.contains(name) && why.contains("none was given"), "{why}");
        let why = refusal(&bare, &surplus);
        assert!(why.contains(name) && why.contains("the suite has none"), "{why}");
    }
    for len in [0, 63, 65] {
        let session = vec![0; len];
        let why = refusal(&full, &OcraInput { session: Some(&session), ..input });
        assert!(why.contains("64 octets"), "{why}");
    }
    assert!(refusal(&bare, &NONE).contains("the challenge"));
}
