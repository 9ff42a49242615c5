//! How long a session lives, and that it is of no use for another question than the one that it answered.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{DAY, NOW, authority, bank_name, transfer_at, trust};
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, CertificateRequest, DistinguishedName, Identity, KeyType, PrivateKey, Profile, TrustStore,
    Validity,
};
use otls::{
    ClientAuth, ClientConfig, Connection, MAX_SESSION_LIFETIME, ServerConfig, Session, State, TicketKeys,
    UnixTime,
};

const HOUR: Duration = Duration::from_secs(3_600);

struct Bank {
    authority: Authority,
    server: Arc<Identity>,
    client: Arc<Identity>,
    keys: Arc<TicketKeys>,
}

fn identity(authority: &Authority, name: &str, profile: Profile, lifetime: Duration) -> Arc<Identity> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let subject = DistinguishedName::with_common_name(name);
    let names = [otls::pki::GeneralName::parse(name).unwrap()];
    let request =
        CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap();
    let certificate =
        authority.issue(&request, profile, Validity::new(NOW, lifetime), &SystemRandom).unwrap();
    Arc::new(Identity::new(certificate.into(), key).unwrap())
}

impl Bank {
    fn new(server_lifetime: Duration, client_lifetime: Duration) -> Self {
        let authority = authority("a root");
        let server = identity(&authority, "bank.example", Profile::Server, server_lifetime);
        let client = identity(&authority, "customer.example", Profile::Client, client_lifetime);
        Self { authority, server, client, keys: Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap()) }
    }

    fn trust(&self) -> TrustStore {
        trust(&self.authority)
    }

    fn server_with(&self, auth: ClientAuth) -> ServerConfig {
        ServerConfig::new(Arc::clone(&self.server), auth).with_tickets(Arc::clone(&self.keys), 1).unwrap()
    }

    fn server(&self) -> ServerConfig {
        self.server_with(ClientAuth::Require(self.trust()))
    }

    fn client_with(&self, trust: TrustStore) -> ClientConfig {
        ClientConfig::new(trust).with_identity(Arc::clone(&self.client)).with_sessions(1)
    }

    fn client(&self) -> ClientConfig {
        self.client_with(self.trust())
    }
}

/// A handshake, resumed or not: whether it was, and the next session if there is one.
fn connect(
    client: ClientConfig,
    server: ServerConfig,
    session: Option<Session>,
    now: UnixTime,
) -> (bool, Option<Session>) {
    connect_by_two_clocks(client, server, session, (now, now))
}

fn connect_by_two_clocks(
    client: ClientConfig,
    server: ServerConfig,
    session: Option<Session>,
    (now, servers_now): (UnixTime, UnixTime),
) -> (bool, Option<Session>) {
    let client = Arc::new(client);
    let mut client = match session {
        Some(session) => Connection::client_resuming(client, bank_name(), session, now).unwrap(),
        None => Connection::client(client, bank_name(), now).unwrap(),
    };
    let mut server = Connection::server(Arc::new(server));
    while transfer_at(&mut client, &mut server, servers_now).unwrap()
        + transfer_at(&mut server, &mut client, now).unwrap()
        > 0
    {}
    assert!(client.state().contains(State::CONFIRMED), "a server confirms whether a ticket is of use or not");
    assert_eq!(client.resumed(), server.resumed());
    (server.resumed(), client.take_session())
}

fn again(session: &Session) -> Option<Session> {
    Some(Session::from_bytes(session.to_bytes().expose()).unwrap())
}

#[test]
fn a_session_ends_a_day_after_its_full_handshake_however_often_it_is_resumed() {
    let bank = Bank::new(90 * DAY, 90 * DAY);
    let long = MAX_SESSION_LIFETIME;
    // Either side alone sees to it.
    for (client, server) in [
        (bank.client(), bank.server()),
        (bank.client().with_session_lifetime(long).unwrap(), bank.server()),
        (bank.client(), bank.server().with_session_lifetime(long).unwrap()),
    ] {
        let first = connect(client.clone(), server.clone(), None, NOW).1.unwrap();
        let mut session = first;
        for (hours, ends) in [(11, 23), (22, 24), (23, 24)] {
            assert_eq!(session.authenticated_at(), NOW);
            let now = NOW.plus(hours * HOUR);
            let (resumed, next) = connect(client.clone(), server.clone(), again(&session), now);
            assert!(resumed, "{hours} hours");
            session = next.unwrap();
            assert_eq!(session.expires_at(), NOW.plus(ends * HOUR), "{hours} hours");
        }
        let last = NOW.plus(24 * HOUR - Duration::from_secs(1));
        assert!(connect(client.clone(), server.clone(), again(&session), last).0);
        let (resumed, next) = connect(client, server, again(&session), last.plus(Duration::from_secs(1)));
        assert!(!resumed);
        assert_eq!(
            next.unwrap().authenticated_at(),
            last.plus(Duration::from_secs(1)),
            "the full handshake starts a new day"
        );
    }
}

#[test]
fn a_clock_that_was_put_back_does_not_lengthen_a_session() {
    let bank = Bank::new(90 * DAY, 90 * DAY);
    let (now, back) = (NOW.plus(Duration::from_secs(60)), NOW);
    for (clocks, resumes) in [((now, now), true), ((back, now), false), ((now, back), false)] {
        let session = connect(bank.client(), bank.server(), None, now).1;
        let (resumed, next) = connect_by_two_clocks(bank.client(), bank.server(), session, clocks);
        assert_eq!(resumed, resumes, "{clocks:?}");
        let started = if resumes { now } else { clocks.0 };
        assert_eq!(next.unwrap().authenticated_at(), started, "the full handshake starts a new day");
    }
}

#[test]
fn each_side_holds_a_session_against_its_own_lifetime() {
    let bank = Bank::new(90 * DAY, 90 * DAY);
    let later = NOW.plus(2 * HOUR);
    let hour = HOUR;
    let session = || connect(bank.client(), bank.server(), None, NOW).1;
    assert!(connect(bank.client(), bank.server(), session(), later).0);
    assert!(!connect(bank.client(), bank.server().with_session_lifetime(hour).unwrap(), session(), later).0);
    assert!(!connect(bank.client().with_session_lifetime(hour).unwrap(), bank.server(), session(), later).0);
}

#[test]
fn a_session_ends_with_the_certificates_of_both_sides() {
    for (server, client) in [(HOUR, DAY), (DAY, HOUR)] {
        let bank = Bank::new(server, client);
        let session = connect(bank.client(), bank.server(), None, NOW).1.unwrap();
        let end = bank.server.certificate().not_after().min(bank.client.certificate().not_after());
        assert!(end <= NOW.plus(HOUR));
        assert_eq!(session.expires_at(), end);
        assert!(connect(bank.client(), bank.server(), Some(session), NOW.plus(Duration::from_secs(60))).0);
    }
    // A certificate that ends now leaves no time: there is no session, and the client is confirmed.
    let bank = Bank::new(DAY, HOUR);
    let end = bank.client.certificate().not_after();
    assert!(connect(bank.client(), bank.server(), None, end).1.is_none());
}

#[test]
fn another_trust_or_another_demand_is_a_full_handshake() {
    let bank = Bank::new(90 * DAY, 90 * DAY);
    let mut wider = bank.trust();
    wider.add_authority(authority("another root").certificate()).unwrap();
    let mut shallow = bank.trust();
    shallow.set_max_depth(0);
    let session = || connect(bank.client(), bank.server(), None, NOW).1;
    assert!(connect(bank.client(), bank.server(), session(), NOW).0);
    for auth in [
        ClientAuth::Require(wider.clone()),
        ClientAuth::Require(shallow.clone()),
        ClientAuth::Request(bank.trust()),
        ClientAuth::Enrolled(bank.trust()),
    ] {
        assert!(!connect(bank.client(), bank.server_with(auth), session(), NOW).0);
    }
    for trust in [wider, shallow] {
        assert!(!connect(bank.client_with(trust), bank.server(), session(), NOW).0);
    }
    // The same authorities in a store of its own are the same trust.
    assert!(connect(bank.client_with(bank.trust()), bank.server(), session(), NOW).0);
}

#[test]
fn another_list_of_application_protocols_is_a_full_handshake() {
    let bank = Bank::new(90 * DAY, 90 * DAY);
    let server = || bank.server().with_alpn(&[b"otp"]).unwrap();
    let client = |list: &[&[u8]]| bank.client().with_alpn(list).unwrap();
    let session = || connect(client(&[b"otp", b"x"]), server(), None, NOW).1;
    assert!(connect(client(&[b"otp", b"x"]), server(), session(), NOW).0);
    for list in [&[&b"otp"[..]][..], &[b"x", b"otp"], &[b"otp", b"x", b"y"]] {
        assert!(!connect(client(list), server(), session(), NOW).0);
    }
}
