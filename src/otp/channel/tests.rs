use super::*;
use crate::otp::{Context, Transaction, Verdict};
use crate::secret::Secret;

const BINDING: Binding = [3; 32];

fn envelope(id: u8, expires_at: u64) -> Message {
    Message::Envelope(Envelope {
        id: OtpId([id; 16]),
        text: Secret::from(b"Your OTP is 256345.".to_vec()),
        code: Secret::from(b"256345".to_vec()),
        context: sign_in(),
        issued_at: UnixTime(1000),
        expires_at: UnixTime(expires_at),
    })
}

fn sign_in() -> Context {
    let (purpose, template) = ("sign in".to_owned(), "Your OTP is {code}.".to_owned());
    Transaction { purpose, template, ..Transaction::default() }.context().unwrap()
}

fn octets(message: &Message) -> Vec<u8> {
    message.encode(&BINDING).unwrap().expose().to_vec()
}

/// Feeds `pieces` one after the other, as a connection would decrypt them.
fn read_all(incoming: &mut Incoming, pieces: &[&[u8]]) -> Result<Vec<Message>, OtpError> {
    let mut messages = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            let open = |out: &mut [u8]| {
                let len = out.len().min(rest.len());
                out[..len].copy_from_slice(&rest[..len]);
                rest = &rest[len..];
                len
            };
            messages.extend(incoming.read(Direction::ServerToClient, &BINDING, open)?);
        }
    }
    Ok(messages)
}

#[test]
fn messages_may_be_split_and_coalesced_anywhere() {
    let verdict = Message::Verdict { id: OtpId([1; 16]), verdict: Verdict::Accepted };
    let stream = [octets(&envelope(1, 2000)), octets(&verdict)].concat();
    for at in 0..=stream.len() {
        let (first, second) = stream.split_at(at);
        let messages = read_all(&mut Incoming::default(), &[first, second]).unwrap();
        assert!(matches!(messages[..], [Message::Envelope(_), Message::Verdict { .. }]), "{at}");
    }
    let single: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read_all(&mut Incoming::default(), &single).unwrap().len(), 2);
}

#[test]
fn nothing_of_a_message_is_kept_after_it() {
    let mut incoming = Incoming::default();
    read_all(&mut incoming, &[&octets(&envelope(1, 2000))]).unwrap();
    assert!(incoming.body.is_none());
    assert_eq!(incoming.header_len, 0);
}

#[test]
fn a_message_of_the_wrong_direction_is_refused() {
    let answer = Message::Answer(Answer::new(OtpId([1; 16]), Secret::from(b"256345".to_vec())));
    let refused = read_all(&mut Incoming::default(), &[&octets(&answer)]);
    assert_eq!(refused.err(), Some(OtpError::WrongBinding));
}

#[test]
fn an_envelope_is_taken_once_and_not_late() {
    let mut channel = Channel::new();
    let now = UnixTime(1999);
    assert_eq!(channel.check_fresh(&envelope(1, 2000), now), Ok(()));
    assert_eq!(channel.check_fresh(&envelope(1, 2000), now), Err(OtpError::Replayed.into()));
    assert_eq!(channel.check_fresh(&envelope(2, 2000), UnixTime(2000)), Err(OtpError::Expired.into()));
    assert_eq!(channel.check_fresh(&envelope(2, 2001), UnixTime(2000)), Ok(()));
}

#[test]
fn a_full_channel_forgets_what_expired_and_otherwise_refuses() {
    let mut channel = Channel::new();
    for n in 0..Channel::MAX_SEEN {
        channel.seen.insert(OtpId(u128::try_from(n).unwrap().to_be_bytes()), UnixTime(1500));
    }
    let refused = channel.check_fresh(&envelope(255, 2000), UnixTime(1499));
    assert!(matches!(refused, Err(Error::Otp(OtpError::Malformed(_)))));

    let mut channel = Channel { failed: None, ..channel };
    assert_eq!(channel.check_fresh(&envelope(255, 2000), UnixTime(1500)), Ok(()));
    assert_eq!(channel.seen.len(), 1);
}
