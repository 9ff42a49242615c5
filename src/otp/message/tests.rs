use super::*;
use crate::otp::{Amount, Transaction};

const BINDING: Binding = [0xB1; 32];

fn envelope() -> Envelope {
    Envelope {
        id: OtpId([7; 16]),
        text: Secret::from(b"Your OTP is 256345.".to_vec()),
        code: Secret::from(b"256345".to_vec()),
        context: Context::new().with("amount", "100000.00").unwrap(),
        issued_at: UnixTime(1_800_000_000),
        expires_at: UnixTime(1_800_000_120),
    }
}

fn code() -> Secret {
    Secret::from(b"256345".to_vec())
}

fn receipt() -> SignedDecision {
    SignedDecision::decode(&documented("receipt")).unwrap()
}

fn all() -> Vec<Message> {
    let id = OtpId([7; 16]);
    let verdicts = [
        Verdict::Accepted,
        Verdict::Wrong { attempts_left: 2 },
        Verdict::Expired,
        Verdict::Used,
        Verdict::Locked,
        Verdict::Unknown,
        Verdict::Cancelled,
        Verdict::NotACode,
    ];
    let mut all = vec![
        Message::Envelope(envelope()),
        Message::Answer(Answer::new(id, Secret::from("२५६३४५".as_bytes().to_vec()))),
        Message::Answer(Answer::declined(id)),
        Message::Answer(Answer::declined(id).with_receipt(receipt())),
        Message::Answer(Answer::new(id, code()).with_receipt(receipt())),
    ];
    all.extend(verdicts.map(|verdict| Message::Verdict { id, verdict }));
    all
}

fn decode(octets: &[u8]) -> Result<Option<Message>, &'static str> {
    let (header, body) = octets.split_first_chunk().ok_or("no header")?;
    let header = Header::decode(*header)?;
    let body = if body.len() == header.body_len { body } else { return Err("another length") };
    Message::decode(header, body, &BINDING)
}

/// With the length of the header corrected.
fn with_length(mut octets: Vec<u8>) -> Vec<u8> {
    let len = u16::try_from(octets.len() - 4).unwrap();
    octets[2..4].copy_from_slice(&len.to_be_bytes());
    octets
}

/// A value of the example in docs/PROTOCOL.md, which another implementation computed.
pub(in crate::otp) fn documented(name: &str) -> Vec<u8> {
    let document = include_str!("../../../docs/PROTOCOL.md");
    let example = document.split("```hex\n").nth(1).unwrap().split("```").next().unwrap();
    let mut digits = String::new();
    let mut found = false;
    for line in example.lines() {
        let value = match line.split_once(" = ") {
            Some((key, value)) => {
                found = key.trim() == name;
                value
            }
            None => line,
        };
        if found {
            digits.push_str(value.trim());
        }
    }
    assert!(!digits.is_empty(), "no {name} in the document");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn messages_have_the_octets_of_the_protocol_document() {
    let binding: Binding = documented("binding").try_into().unwrap();
    let id = OtpId(documented("id").try_into().unwrap());
    let text = b"The OTP for transferring Rs 1,00,000 to your friend's account is 256345.";
    let transfer = Transaction {
        purpose: "transfer".to_owned(),
        amount: Some(Amount::new(10_000_000, "INR").unwrap()),
        payee: Some("your friend's account".to_owned()),
        template: "The OTP for transferring {amount} to {payee} is {code}.".to_owned(),
        ..Transaction::default()
    };
    let context = transfer.context().unwrap();
    assert_eq!(context.encode(), documented("context"));
    let messages = [
        (
            "envelope",
            Message::Envelope(Envelope { id, context, text: Secret::from(text.to_vec()), ..envelope() }),
        ),
        ("answer", Message::Answer(Answer::new(id, code()).with_receipt(receipt()))),
        ("declined", Message::Answer(Answer::declined(id))),
        ("verdict", Message::Verdict { id, verdict: Verdict::Wrong { attempts_left: 2 } }),
    ];
    for (name, message) in messages {
        assert_eq!(message.encode(&binding).unwrap().expose(), documented(name), "{name}");
    }
}

#[test]
fn the_ledgers_tag_has_the_octets_of_the_protocol_document() {
    let id = OtpId(documented("id").try_into().unwrap());
    let context = Context::decode(&documented("context")).unwrap();
    let pepper = Secret::from(documented("pepper"));
    let tag = crate::otp::ledger::tag(&pepper, &id, "asha", &context, "256345").unwrap();
    assert_eq!(tag.pepper_id[..], documented("pepper_id"));
    assert_eq!(tag.mac[..], documented("mac"));
}

#[test]
fn every_message_survives_the_round_trip() {
    for message in all() {
        let octets = message.encode(&BINDING).unwrap();
        let again = decode(octets.expose()).unwrap().unwrap();
        assert_eq!(again.encode(&BINDING).unwrap().expose(), octets.expose());
    }
}

#[test]
fn every_truncation_and_a_trailing_octet_are_refused() {
    for message in all() {
        let octets = message.encode(&BINDING).unwrap().expose().to_vec();
        for len in 4..octets.len() {
            assert!(decode(&with_length(octets[..len].to_vec())).is_err(), "{len}");
        }
        assert!(decode(&with_length([&octets[..], &[0]].concat())).is_err());
    }
}

#[test]
fn another_binding_is_found_before_anything_is_read() {
    let mut octets = Message::Envelope(envelope()).encode(&[0; 32]).unwrap().expose().to_vec();
    assert!(matches!(decode(&octets), Ok(None)));
    octets.truncate(4 + 32);
    assert!(matches!(decode(&with_length(octets)), Ok(None)));
}

#[test]
fn unknown_versions_types_lengths_and_verdicts_are_refused() {
    assert!(Header::decode([1, 1, 0x40, 0]).is_ok());
    for header in [[0, 1, 0, 53], [2, 1, 0, 53], [1, 0, 0, 53], [1, 4, 0, 53], [1, 1, 0x40, 1]] {
        assert!(Header::decode(header).is_err(), "{header:?}");
    }
    let verdict = Message::Verdict { id: OtpId([7; 16]), verdict: Verdict::Used };
    let octets = verdict.encode(&BINDING).unwrap().expose().to_vec();
    for (at, value) in [(4 + 48, 8), (4 + 48, 255), (octets.len() - 1, 1)] {
        let mut changed = octets.clone();
        changed[at] = value;
        assert_eq!(decode(&changed).err(), Some("unknown verdict"));
    }
}

#[test]
fn what_would_be_refused_is_not_sent() {
    let bad = [
        Envelope { code: Secret::from(b"25634".to_vec()), ..envelope() },
        Envelope { code: Secret::from(b"25634 ".to_vec()), ..envelope() },
        Envelope { code: Secret::from(vec![b'1'; 13]), ..envelope() },
        Envelope { text: Secret::from(Vec::new()), ..envelope() },
        Envelope { text: Secret::from(vec![0xFF]), ..envelope() },
        Envelope { text: Secret::from(vec![b'a'; MAX_TEXT_LEN + 1]), ..envelope() },
        Envelope { expires_at: envelope().issued_at, ..envelope() },
    ];
    for envelope in bad {
        assert!(matches!(Message::Envelope(envelope).encode(&BINDING), Err(Error::ApiMisuse(_))));
    }
    for code in [Vec::new(), vec![b'1'; MAX_ANSWER_LEN + 1], vec![0xFF]] {
        let answer = Message::Answer(Answer::new(OtpId([0; 16]), Secret::from(code)));
        assert!(matches!(answer.encode(&BINDING), Err(Error::ApiMisuse(_))));
    }
}

#[test]
fn the_longest_answer_fits() {
    let code = vec![b'1'; 64];
    let answer = Message::Answer(Answer::new(OtpId([0; 16]), Secret::from(code.clone())));
    let octets = answer.encode(&BINDING).unwrap();
    let Ok(Some(Message::Answer(back))) = decode(octets.expose()) else { panic!("no answer") };
    assert_eq!(back.code.unwrap().expose(), code);
}

/// docs/PROTOCOL.md: the exporter's context is this octet.
#[test]
fn each_direction_has_its_octet() {
    assert_eq!((Direction::ServerToClient.octet(), Direction::ClientToServer.octet()), (1, 2));
}

#[test]
fn an_envelope_shows_what_its_transactions_template_says() {
    let login = Transaction {
        purpose: "sign in".to_owned(),
        template: "The code to {purpose} is {code}.".to_owned(),
        ..Transaction::default()
    };
    let context = login.context().unwrap();
    let shown = |text: &str, context: &Context| {
        Message::Envelope(Envelope {
            text: Secret::from(text.as_bytes().to_vec()),
            context: context.clone(),
            ..envelope()
        })
    };
    let honest = shown("The code to sign in is 256345.", &context);
    let octets = honest.encode(&BINDING).unwrap().expose().to_vec();
    assert!(decode(&octets).is_ok());
    for (at, changed) in [(1, b'2'), (2, b'X')] {
        let mut octets = octets.clone();
        let at = octets.len() - at - usize::from(at == 1);
        octets[at] = changed;
        let expected = "a text that is not what its transaction's template says";
        assert_eq!(decode(&octets).err(), Some(expected));
    }
    for bad in [
        shown("The code to sign in is 256346.", &context),
        shown("Pay 1 crore with 256345.", &context),
        shown("256345", &Context::new().with("template", "{code}").unwrap()),
    ] {
        assert!(matches!(bad.encode(&BINDING), Err(Error::ApiMisuse(_))));
    }
    assert!(shown("anything", &Context::new()).encode(&BINDING).is_ok());
}

#[test]
fn a_declined_answer_has_no_code_and_an_approved_one_has() {
    let octets = Message::Answer(Answer::declined(OtpId([7; 16]))).encode(&BINDING).unwrap();
    let at = Header::LEN + 32 + 16;
    for decision in [0, 1, 3] {
        let mut changed = octets.expose().to_vec();
        changed[at] = decision;
        assert!(decode(&changed).is_err(), "{decision}");
    }
    let answer = Message::Answer(Answer::new(OtpId([7; 16]), code()));
    let mut changed = answer.encode(&BINDING).unwrap().expose().to_vec();
    changed[at] = 2;
    assert_eq!(decode(&changed).err(), Some("a code of a customer who declines"));
}

#[test]
fn the_longest_envelope_fits() {
    let value = "x".repeat(Context::MAX_VALUE_LEN);
    let mut context = Context::new();
    for name in ["a", "b", "c"] {
        context = context.with(name, &value).unwrap();
    }
    let rest = Context::MAX_ENCODED_LEN - context.encode().len() - 4;
    context = context.with("d", &value[..rest]).unwrap();
    assert_eq!(context.encode().len(), Context::MAX_ENCODED_LEN);
    let envelope = Envelope {
        context,
        code: Secret::from(vec![b'1'; CodeFormat::MAX_LEN]),
        text: Secret::from(vec![b'a'; MAX_TEXT_LEN]),
        ..envelope()
    };
    let octets = Message::Envelope(envelope).encode(&BINDING).unwrap();
    assert_eq!(octets.len() - Header::LEN, 12_369);
    assert!(matches!(decode(octets.expose()), Ok(Some(Message::Envelope(_)))));
}

#[test]
fn no_mutation_panics_and_what_is_read_is_canonical() {
    let originals: Vec<Vec<u8>> =
        all().iter().map(|message| message.encode(&BINDING).unwrap().expose().to_vec()).collect();
    let mut seed = 1_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for round in 0..20_000 {
        let mut octets = originals[round % originals.len()].clone();
        for _ in 0..=draw(3) {
            let at = draw(octets.len());
            octets[at] = u8::try_from(draw(256)).unwrap();
        }
        if let Ok(Some(message)) = decode(&octets) {
            assert_eq!(message.encode(&BINDING).unwrap().expose(), octets);
        }
    }
}
