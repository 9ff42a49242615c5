//! Sessions that are resumed, and those that are not (RFC 8446 §2.2, §4.2.11, §4.6.1).

use crate::common;
use otls::otp::Statement;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{DAY, NOW, Pair, World, authority, bank_name, deliver, identity, trust};
use otls::codepoints::{AlertDescription, CipherSuite, NamedGroup};
use otls::crypto::SystemRandom;
use otls::pki::{GeneralName, KeyType, Profile, RevocationReason, TrustStore, Validity};
use otls::{
    ClientAuth, ClientConfig, Connection, Error, SUPPORTED_SUITES, ServerConfig, Session, TicketKeys,
    UnixTime,
};

const LIFETIME: u64 = 43_200;

struct Bank {
    world: World,
    keys: Arc<TicketKeys>,
}

impl Bank {
    fn new() -> Self {
        let keys = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
        Self { world: World::new(KeyType::EcdsaP256), keys }
    }

    fn server(&self) -> ServerConfig {
        self.with_tickets(self.world.server_config())
    }

    fn with_tickets(&self, config: ServerConfig) -> ServerConfig {
        config.with_tickets(Arc::clone(&self.keys), 2).unwrap()
    }

    fn client(&self) -> ClientConfig {
        self.world.client_config().with_sessions(2)
    }

    fn session(&self) -> Session {
        session_of(self.client(), self.server())
    }
}

fn session_of(client: ClientConfig, server: ServerConfig) -> Session {
    let mut pair = Pair::new(client, server).established();
    assert!(!pair.client.resumed() && !pair.server.resumed());
    pair.client.take_session().unwrap()
}

fn resuming(client: ClientConfig, server: ServerConfig, session: Session, now: UnixTime) -> Pair {
    let client = Connection::client_resuming(Arc::new(client), bank_name(), session, now).unwrap();
    Pair { now, ..Pair::of(client, server) }
}

fn is_resumed(client: ClientConfig, server: ServerConfig, session: Session, now: UnixTime) -> bool {
    let pair = resuming(client, server, session, now).established();
    assert_eq!(pair.client.resumed(), pair.server.resumed());
    pair.client.resumed()
}

#[test]
fn a_resumed_connection_has_both_identities_and_no_certificates_on_the_wire() {
    let bank = Bank::new();
    let mut pair = resuming(bank.client(), bank.server(), bank.session(), NOW.plus(Duration::from_secs(60)))
        .established();
    assert!(pair.client.resumed() && pair.server.resumed());
    let (client, server) = (bank.world.client.certificate(), bank.world.server.certificate());
    assert_eq!(pair.server.peer().unwrap().certificate(), client);
    assert_eq!(pair.client.certificate(), Some(client));
    assert_eq!(pair.client.peer().unwrap().certificate(), server);
    assert_eq!(pair.server.certificate(), Some(server));
    assert!(pair.client.identity().is_none(), "a client proves nothing anew");
    assert_eq!((pair.client.scheme(), pair.client.peer_scheme()), (None, None));
    assert_eq!(deliver(&mut pair.client, &mut pair.server, b"question"), b"question");
    assert_eq!(deliver(&mut pair.server, &mut pair.client, b"answer"), b"answer");
}

#[test]
fn every_suite_and_group_resumes_with_a_hello_retry_request_too() {
    let bank = Bank::new();
    for suite in SUPPORTED_SUITES {
        for group in [NamedGroup::X25519MLKEM768, NamedGroup::SECP384R1] {
            let server = || {
                let server = bank.server().with_suites(&[*suite]).unwrap();
                server.with_groups(&[group]).unwrap()
            };
            let session = session_of(bank.client(), server());
            let mut pair = resuming(bank.client(), server(), session, NOW).established();
            assert!(pair.client.resumed() && pair.server.resumed(), "{suite} {group}");
            assert_eq!((pair.client.suite(), pair.client.group()), (Some(*suite), Some(group)));
            assert_eq!(deliver(&mut pair.client, &mut pair.server, b"data"), b"data");
        }
    }
}

#[test]
fn a_resumed_connection_gives_sessions_of_its_own_and_new_keys() {
    let bank = Bank::new();
    let mut session = bank.session();
    let mut exported = Vec::new();
    for hour in 0..3 {
        let mut pair =
            resuming(bank.client(), bank.server(), session, NOW.plus(Duration::from_secs(hour * 3_600)))
                .established();
        assert!(pair.server.resumed());
        let mut material = [[0; 32]; 2];
        pair.client.export(b"EXPERIMENTAL otls", b"", &mut material[0]).unwrap();
        pair.server.export(b"EXPERIMENTAL otls", b"", &mut material[1]).unwrap();
        assert_eq!(material[0], material[1]);
        assert!(!exported.contains(&material[0]));
        exported.push(material[0]);
        session = pair.client.take_session().unwrap();
    }
}

#[test]
fn only_as_many_sessions_are_kept_as_the_caller_asked_for() {
    let bank = Bank::new();
    for (kept, sent) in [(0, 2), (1, 3), (2, 2), (8, 3)] {
        let server = bank.world.server_config().with_tickets(Arc::clone(&bank.keys), sent).unwrap();
        let client = bank.world.client_config().with_sessions(kept);
        let mut pair = Pair::new(client, server).established();
        let sessions = std::iter::from_fn(|| pair.client.take_session()).count();
        assert_eq!(sessions, kept.min(sent));
    }
    assert!(bank.world.server_config().with_tickets(Arc::clone(&bank.keys), 9).is_err());
}

#[test]
fn a_server_without_tickets_confirms_and_gives_no_session() {
    let bank = Bank::new();
    let mut pair = Pair::new(bank.client(), bank.world.server_config()).established();
    assert!(pair.client.take_session().is_none());
    let none = bank.world.server_config().with_tickets(Arc::clone(&bank.keys), 0).unwrap();
    assert!(Pair::new(bank.client(), none).established().client.take_session().is_none());
}

#[test]
fn a_saved_session_resumes_and_a_damaged_one_does_not_load() {
    let bank = Bank::new();
    let session = bank.session();
    assert_eq!(session.server_name(), &bank_name());
    assert_eq!(session.expires_at(), NOW.plus(Duration::from_secs(LIFETIME)));
    let saved = session.to_bytes();
    for len in 0..saved.len() {
        // A file that ends between two certificates is a chain too short to verify.
        let Ok(cut) = Session::from_bytes(&saved.expose()[..len]) else { continue };
        assert!(!is_resumed(bank.client(), bank.server(), cut, NOW) || len > saved.len() - 1_200);
    }
    let mut other_version = saved.expose().to_vec();
    other_version[0] ^= 1;
    assert!(matches!(Session::from_bytes(&other_version), Err(Error::ApiMisuse(_))));
    let loaded = Session::from_bytes(saved.expose()).unwrap();
    assert!(is_resumed(bank.client(), bank.server(), loaded, NOW));
}

#[test]
fn an_expired_session_is_not_resumed() {
    let bank = Bank::new();
    assert!(is_resumed(
        bank.client(),
        bank.server(),
        bank.session(),
        NOW.plus(Duration::from_secs(LIFETIME - 1))
    ));
    assert!(!is_resumed(
        bank.client(),
        bank.server(),
        bank.session(),
        NOW.plus(Duration::from_secs(LIFETIME))
    ));
}

#[test]
fn tickets_of_other_keys_lead_to_a_full_handshake() {
    let bank = Bank::new();
    let others = Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap());
    let server = bank.world.server_config().with_tickets(others, 2).unwrap();
    assert!(!is_resumed(bank.client(), server, bank.session(), NOW));
    assert!(!is_resumed(bank.client(), bank.world.server_config(), bank.session(), NOW));
}

#[test]
fn servers_that_share_their_keys_resume_each_others_sessions() {
    let bank = Bank::new();
    let exported = bank.keys.to_bytes(NOW).unwrap();
    let shared = Arc::new(TicketKeys::from_bytes(exported.expose(), NOW).unwrap());
    let server = bank.world.server_config().with_tickets(shared, 1).unwrap();
    assert!(is_resumed(bank.client(), server, bank.session(), NOW));
}

#[test]
fn a_session_is_bound_to_the_servers_name() {
    let bank = Bank::new();
    let other = GeneralName::parse("other.example").unwrap();
    let session = bank.session();
    let client = Connection::client_resuming(Arc::new(bank.client()), other, session, NOW).unwrap();
    let hello = client.pending();
    // RFC 8446 §4.2.11: a PSK would be the last extension, and the hello longer than a ticket.
    assert!(
        hello.len()
            < Connection::client(Arc::new(bank.client()), bank_name(), NOW).unwrap().pending().len() + 64
    );
}

#[test]
fn a_session_is_bound_to_the_hash_of_its_suite() {
    let bank = Bank::new();
    let sha256 = [CipherSuite::TLS_AES_128_GCM_SHA256];
    let sha384 = [CipherSuite::TLS_AES_256_GCM_SHA384];
    let other_of_256 = [CipherSuite::TLS_CHACHA20_POLY1305_SHA256];
    let session = || session_of(bank.client(), bank.server().with_suites(&sha256).unwrap());
    assert!(!is_resumed(bank.client(), bank.server().with_suites(&sha384).unwrap(), session(), NOW));
    assert!(is_resumed(bank.client(), bank.server().with_suites(&other_of_256).unwrap(), session(), NOW));
    assert!(!is_resumed(bank.client().with_suites(&sha384).unwrap(), bank.server(), session(), NOW));
    // After a HelloRetryRequest the suite is fixed, and the PSK of another hash is left out.
    let retry = bank.server().with_suites(&sha384).unwrap().with_groups(&[NamedGroup::SECP384R1]).unwrap();
    assert!(!is_resumed(bank.client(), retry, session(), NOW));
}

#[test]
fn a_session_is_bound_to_its_application_protocol() {
    let bank = Bank::new();
    let client = |alpn: &[&[u8]]| bank.client().with_alpn(alpn).unwrap();
    let server = |alpn: &[&[u8]]| bank.server().with_alpn(alpn).unwrap();
    let session = || session_of(client(&[b"otp"]), server(&[b"otp"]));
    assert!(is_resumed(client(&[b"otp"]), server(&[b"otp"]), session(), NOW));
    assert!(!is_resumed(client(&[b"otp", b"http/1.1"]), server(&[b"http/1.1"]), session(), NOW));
    assert!(!is_resumed(client(&[b"http/1.1"]), server(&[b"http/1.1"]), session(), NOW));
    assert!(!is_resumed(bank.client(), bank.server(), session(), NOW));
}

#[test]
fn a_session_is_bound_to_the_certificate_that_was_shown() {
    let bank = Bank::new();
    let other = identity(&bank.world.authority, KeyType::EcdsaP256, "other.example", Profile::Client);
    let switched = bank.client().with_identity(other);
    let pair = resuming(switched, bank.server(), bank.session(), NOW).established();
    assert!(!pair.server.resumed());
    assert_eq!(pair.server.peer().unwrap().certificate().subject().to_string(), "CN=other.example");
    let optional = || {
        bank.with_tickets(ServerConfig::new(
            Arc::clone(&bank.world.server),
            ClientAuth::Request(trust(&bank.world.authority)),
        ))
    };
    let pair = resuming(bank.client().with_no_identity(), optional(), bank.session(), NOW).established();
    assert!(!pair.server.resumed() && pair.server.peer().is_none());
    // A client that is asked each time resumes as who it was.
    let asked = ClientConfig::new(trust(&bank.world.authority));
    assert!(is_resumed(asked, bank.server(), bank.session(), NOW));
}

#[test]
fn an_anonymous_session_does_not_pass_where_a_certificate_is_required() {
    let bank = Bank::new();
    let optional = || {
        bank.with_tickets(ServerConfig::new(
            Arc::clone(&bank.world.server),
            ClientAuth::Request(trust(&bank.world.authority)),
        ))
    };
    let anonymous = || bank.client().with_no_identity();
    assert!(is_resumed(anonymous(), optional(), session_of(anonymous(), optional()), NOW));
    let mut pair = resuming(anonymous(), bank.server(), session_of(anonymous(), optional()), NOW);
    let error = pair.pump().unwrap_err();
    assert_eq!(error.alert(), Some(AlertDescription::CERTIFICATE_REQUIRED));
    // Nor does a server that asks nobody resume who was somebody.
    let nobody = bank.with_tickets(ServerConfig::new(Arc::clone(&bank.world.server), ClientAuth::ServerOnly));
    assert!(!is_resumed(bank.client(), nobody, bank.session(), NOW));
}

#[test]
fn a_client_that_was_revoked_or_expired_since_does_not_resume() {
    let bank = Bank::new();
    let world = &bank.world;
    let serial = world.client.certificate().serial().to_vec();
    let revoked = [(serial, NOW, RevocationReason::KeyCompromise)];
    let crl = world.authority.issue_crl(&revoked, 1, Validity::new(NOW, DAY), &SystemRandom).unwrap();
    let mut store = trust(&world.authority);
    store.add_crl(crl);
    let strict = bank.with_tickets(ServerConfig::new(Arc::clone(&world.server), ClientAuth::Require(store)));
    let mut pair = resuming(bank.client(), strict, bank.session(), NOW);
    assert_eq!(pair.pump().unwrap_err().alert(), Some(AlertDescription::CERTIFICATE_REVOKED));

    let late = NOW.plus(DAY - Duration::from_secs(600));
    let late_session = || {
        let client = Connection::client(Arc::new(bank.client()), bank_name(), late).unwrap();
        let mut pair = Pair { now: late, ..Pair::of(client, bank.server()) };
        pair.pump().unwrap();
        pair.client.take_session().unwrap()
    };
    assert!(is_resumed(bank.client(), bank.server(), late_session(), late.plus(Duration::from_secs(300))));
    let mut expired =
        resuming(bank.client(), bank.server(), late_session(), late.plus(Duration::from_secs(900)));
    assert_eq!(expired.pump().unwrap_err().alert(), Some(AlertDescription::CERTIFICATE_EXPIRED));
}

#[test]
fn a_client_judges_the_server_of_a_session_by_its_present_trust() {
    let bank = Bank::new();
    let mistrustful = ClientConfig::new(TrustStore::new()).with_identity(Arc::clone(&bank.world.client));
    let mut pair = resuming(mistrustful, bank.server(), bank.session(), NOW);
    assert_eq!(pair.pump().unwrap_err().alert(), Some(AlertDescription::UNKNOWN_CA));
    let stranger = authority("another root");
    let other = ClientConfig::new(trust(&stranger)).with_identity(Arc::clone(&bank.world.client));
    assert!(resuming(other, bank.server(), bank.session(), NOW).pump().is_err());
}

#[test]
fn a_server_that_changed_its_certificate_does_not_resume() {
    let bank = Bank::new();
    let renewed = identity(&bank.world.authority, KeyType::EcdsaP256, "bank.example", Profile::Server);
    let server = bank.server().with_identity(renewed);
    assert!(!is_resumed(bank.client(), server, bank.session(), NOW));
}

#[test]
fn a_binder_that_is_wrong_in_any_octet_ends_the_handshake() {
    let bank = Bank::new();
    for back in [1, 16, 32] {
        let session = bank.session();
        let client = Connection::client_resuming(Arc::new(bank.client()), bank_name(), session, NOW).unwrap();
        let mut hello = client.pending().to_vec();
        let at = hello.len() - back;
        hello[at] ^= 1;
        let mut server = Connection::server(Arc::new(bank.server()));
        let error = server.feed(&hello, NOW).unwrap_err();
        assert_eq!(error.alert(), Some(AlertDescription::DECRYPT_ERROR));
        assert!(error.to_string().contains("the binder of its session does not verify"), "{error}");
    }
}

#[test]
fn a_hello_that_was_changed_before_the_binder_ends_the_handshake() {
    let bank = Bank::new();
    let client =
        Connection::client_resuming(Arc::new(bank.client()), bank_name(), bank.session(), NOW).unwrap();
    let mut hello = client.pending().to_vec();
    hello[20] ^= 1; // in the random
    let mut server = Connection::server(Arc::new(bank.server()));
    assert_eq!(server.feed(&hello, NOW).unwrap_err().alert(), Some(AlertDescription::DECRYPT_ERROR));
}

#[test]
fn otp_messages_are_bound_to_the_resumed_connection_and_both_identities() {
    use otls::otp::{Answer, Channel, Message, OtpId};
    let bank = Bank::new();
    let mut pair = resuming(bank.client(), bank.server(), bank.session(), NOW).established();
    let (mut ours, mut theirs) = (Channel::new(), Channel::new());
    let answer = Message::Answer(Answer::new(OtpId([7; 16]), b"256345".to_vec().into()));
    // The code was sent on the connection before.
    ours.expect(OtpId([7; 16]), NOW.plus(Duration::from_secs(60)), NOW).unwrap();
    theirs.send(&mut pair.client, &answer).unwrap();
    common::transfer(&mut pair.client, &mut pair.server).unwrap();
    let Some(Message::Answer(Answer { id, .. })) = ours.receive(&mut pair.server, NOW).unwrap() else {
        panic!()
    };
    assert_eq!(id, OtpId([7; 16]));
}

#[test]
fn on_a_resumed_connection_a_receipt_is_signed_with_the_identity_of_the_first() {
    use otls::otp::{Answer, Channel, Context, Decision, Envelope, Message, OtpId, Receipt, SignedDecision};
    let bank = Bank::new();
    let mut pair = resuming(bank.client(), bank.server(), bank.session(), NOW).established();
    let envelope = Envelope {
        id: OtpId([7; 16]),
        text: b"256345".to_vec().into(),
        code: b"256345".to_vec().into(),
        context: Context::new().with("amount", "1").unwrap(),
        issued_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(60)),
    };
    let refused = Channel::new().decline(&mut pair.client, &envelope, NOW, &SystemRandom);
    assert!(matches!(refused, Err(Error::ApiMisuse(_))), "the key is not at hand");
    let (id, context, decision) = (envelope.id, envelope.context, Decision::Declined);
    let client = &bank.world.client;
    let receipt = SignedDecision::sign(
        &pair.client,
        client,
        Statement { id, context, decision, time: NOW },
        &SystemRandom,
    )
    .unwrap();
    let answer = Answer::declined(id).with_receipt(receipt.clone());
    Channel::new().send(&mut pair.client, &Message::Answer(answer)).unwrap();
    common::transfer(&mut pair.client, &mut pair.server).unwrap();
    let mut bank_side = Channel::new();
    bank_side.expect(id, NOW.plus(Duration::from_secs(60)), NOW).unwrap();
    assert!(bank_side.receive(&mut pair.server, NOW).unwrap().is_some());
    for connection in [&pair.client, &pair.server] {
        let evidence = Receipt::new(receipt.clone(), connection).unwrap();
        assert!(evidence.verify(&trust(&bank.world.authority)).is_ok());
    }
}
