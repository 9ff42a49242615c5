//! What a resumed connection says of its peer is what a full handshake would say, whatever has changed since the
//! verdict that its session keeps.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{DAY, NOW, Pair, bank_name};
use otls::codepoints::AlertDescription;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    Authority, AuthorityTerms, Certificate, CertificateRequest, Chain, Crl, DistinguishedName, GeneralName,
    Identity, KeyType, PrivateKey, Profile, RevocationReason, TrustStore, Validity,
};
use otls::{ClientAuth, ClientConfig, Connection, ServerConfig, Session, TicketKeys, UnixTime};

const HOUR: Duration = Duration::from_secs(3_600);

/// The two of a connection have certificates of an authority below a root.
struct World {
    root: Authority,
    below: Authority,
    /// The root's name and key in a certificate that begins later.
    successor: Certificate,
    server: Arc<Identity>,
    client: Arc<Identity>,
    /// A server of another name.
    other: Arc<Identity>,
    keys: Arc<TicketKeys>,
}

fn key() -> Arc<PrivateKey> {
    Arc::new(PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap())
}

fn request(key: &PrivateKey, name: &str) -> CertificateRequest {
    let names = [GeneralName::parse(name).unwrap()];
    let subject = DistinguishedName::with_common_name(name);
    CertificateRequest::create(key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap()
}

fn root(key: &Arc<PrivateKey>, from: UnixTime) -> Authority {
    let terms = AuthorityTerms::new(Validity::new(from, 90 * DAY)).with_path_len(1);
    let name = DistinguishedName::with_common_name("the root");
    Authority::create(Arc::clone(key), &name, HashAlgorithm::Sha256, terms, &SystemRandom).unwrap()
}

impl World {
    /// Chains are sent with what stands behind the leaf, or without.
    fn new(behind: &[Shown]) -> Self {
        let (root_key, key_below) = (key(), key());
        let root_of_now = root(&root_key, NOW);
        let name = DistinguishedName::with_common_name("below");
        let asked = CertificateRequest::create(&key_below, &name, &[], HashAlgorithm::Sha256, &SystemRandom);
        let terms = AuthorityTerms::new(Validity::new(NOW, 30 * DAY));
        let below = root_of_now.issue_authority(&asked.unwrap(), &terms, &SystemRandom).unwrap();
        let below = Authority::load(below, key_below, HashAlgorithm::Sha256).unwrap();
        let identity = |name, profile| {
            let key = key();
            let validity = Validity::new(NOW, 20 * DAY);
            let leaf = below.issue(&request(&key, name), profile, validity, &SystemRandom).unwrap();
            let behind = behind.iter().map(|shown| match shown {
                Shown::Below => below.certificate().clone(),
                Shown::Root => root_of_now.certificate().clone(),
            });
            let chain = Chain::new([leaf].into_iter().chain(behind).collect()).unwrap();
            Arc::new(Identity::new(chain, key).unwrap())
        };
        Self {
            successor: root(&root_key, NOW.plus(2 * HOUR)).certificate().clone(),
            server: identity("bank.example", Profile::Server),
            other: identity("other.example", Profile::Server),
            client: identity("customer.example", Profile::Client),
            keys: Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap()),
            root: root_of_now,
            below,
        }
    }

    fn trust(&self) -> TrustStore {
        crate::common::trust(&self.root)
    }

    /// Lists of both authorities.
    fn lists(&self, number: u64, from: UnixTime, until: UnixTime, revoked: bool) -> [Crl; 2] {
        let validity = Validity::new(from, Duration::from_secs(until.0 - from.0));
        let both = [&self.server, &self.client]
            .map(|one| (one.certificate().serial().to_vec(), NOW, RevocationReason::KeyCompromise));
        let revoked = if revoked { both.as_slice() } else { &[] };
        let below = self.below.issue_crl(revoked, number, validity, &SystemRandom).unwrap();
        [below, self.root.issue_crl(&[], number, validity, &SystemRandom).unwrap()]
    }

    fn with_lists(&self, lists: impl IntoIterator<Item = [Crl; 2]>) -> TrustStore {
        let mut store = self.trust();
        lists.into_iter().flatten().for_each(|list| store.add_crl(list));
        store
    }

    /// The two sides, of which `judge` has this trust.
    fn sides(&self, judge: Side, trust: TrustStore) -> (ClientConfig, ServerConfig) {
        let of_other = self.with_both_certificates();
        let (client, server) = match judge {
            Side::Client => (trust, of_other),
            Side::Server => (of_other, trust),
        };
        let client = ClientConfig::new(client).with_identity(Arc::clone(&self.client)).with_sessions(1);
        let server = ServerConfig::new(Arc::clone(&self.server), ClientAuth::Require(server));
        (client, server.with_tickets(Arc::clone(&self.keys), 1).unwrap())
    }

    fn with_both_certificates(&self) -> TrustStore {
        let mut store = self.trust();
        store.add_intermediate(self.below.certificate());
        store
    }
}

#[derive(Clone, Copy)]
enum Shown {
    Below,
    Root,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Client,
    Server,
}

/// What each side knows of the other, or the alert that ended the connection.
type Outcome = Result<[(Chain, Certificate, bool); 2], Option<AlertDescription>>;

fn connect(
    (client, server): (ClientConfig, ServerConfig),
    session: Option<Session>,
    now: UnixTime,
) -> (Outcome, bool, Option<Session>) {
    let client = Arc::new(client);
    let client = match session {
        Some(session) => Connection::client_resuming(client, bank_name(), session, now).unwrap(),
        None => Connection::client(client, bank_name(), now).unwrap(),
    };
    let mut pair = Pair { now, ..Pair::of(client, server) };
    if let Err(error) = pair.pump() {
        return (Err(error.alert()), false, None);
    }
    assert_eq!(pair.client.resumed(), pair.server.resumed());
    let known = [&pair.client, &pair.server].map(|side| {
        let peer = side.peer().unwrap();
        (peer.chain().clone(), peer.authority().clone(), peer.revocation_checked())
    });
    (Ok(known), pair.client.resumed(), pair.client.take_session())
}

/// As it is read from a file.
fn loaded(session: &Session) -> Session {
    Session::from_bytes(session.to_bytes().expose()).unwrap()
}

/// A full handshake with the first configuration, and then the second: whether it resumes, and that it comes out as
/// a full handshake does.
fn compare(
    first: (ClientConfig, ServerConfig),
    second: (ClientConfig, ServerConfig),
    now: UnixTime,
    what: &str,
) -> (bool, Outcome) {
    let session = connect(first, None, NOW).2.unwrap_or_else(|| panic!("{what}: no session"));
    let fresh = connect(second.clone(), None, now).0;
    let (outcome, resumed, next) = connect(second.clone(), Some(loaded(&session)), now);
    assert_eq!(outcome, fresh, "{what}");
    // What is kept with the next session holds as well.
    if let Some(next) = next {
        let (outcome, again, _) = connect(second, Some(loaded(&next)), now);
        assert!(again, "{what}");
        assert_eq!(outcome, fresh, "{what}, once more");
    }
    (resumed, outcome)
}

#[test]
fn a_verdict_of_another_trust_or_time_does_not_count() {
    let world = World::new(&[Shown::Below]);
    let soon = NOW.plus(HOUR);
    let later = NOW.plus(3 * HOUR);
    let late = NOW.plus(20 * HOUR);
    let good = |number| world.lists(number, NOW, late, false);
    let bad = |number| world.lists(number, NOW, late, true);
    let changed = |change: &dyn Fn(&mut TrustStore)| {
        let mut store = world.trust();
        change(&mut store);
        store
    };
    let of_nothing = |add: &dyn Fn(&mut TrustStore)| {
        let mut store = TrustStore::new();
        add(&mut store);
        store
    };
    let successor = |store: &mut TrustStore| store.add_authority(&world.successor).unwrap();
    let both = [world.root.certificate(), &world.successor];
    let in_order = |order: [usize; 2]| {
        of_nothing(&|store| order.iter().for_each(|one| store.add_authority(both[*one]).unwrap()))
    };
    let cases = [
        ("nothing", world.trust(), world.trust(), soon, true, true),
        ("a list that names nobody", world.trust(), world.with_lists([good(1)]), soon, true, true),
        ("a list that revokes", world.trust(), world.with_lists([bad(1)]), soon, false, false),
        (
            "a list of a higher number that revokes",
            world.with_lists([good(1)]),
            world.with_lists([good(1), bad(2)]),
            soon,
            false,
            false,
        ),
        ("a list less", world.with_lists([good(1)]), world.trust(), soon, true, true),
        (
            "a list that has become stale",
            world.with_lists([world.lists(1, NOW, NOW.plus(2 * HOUR), false)]),
            world.with_lists([world.lists(1, NOW, NOW.plus(2 * HOUR), false)]),
            later,
            false,
            false,
        ),
        ("a depth", world.trust(), changed(&|store| store.set_max_depth(0)), soon, false, false),
        ("a demand for lists", world.trust(), changed(&TrustStore::require_crls), soon, false, false),
        ("another authority", world.trust(), changed(&successor), soon, false, true),
        ("an authority less", in_order([0, 1]), world.trust(), soon, false, true),
        (
            "the authority",
            in_order([0, 1]),
            of_nothing(&|store| store.add_authority(&world.successor).unwrap()),
            soon,
            false,
            false,
        ),
        ("the order of authorities", in_order([0, 1]), in_order([1, 0]), later, true, true),
        ("nothing, and an authority begins", in_order([1, 0]), in_order([1, 0]), later, true, true),
        ("nothing, before an authority begins", in_order([1, 0]), in_order([1, 0]), soon, true, true),
        (
            "a list of the future, which comes to count",
            world.with_lists([good(1), world.lists(2, NOW.plus(2 * HOUR), late, true)]),
            world.with_lists([good(1), world.lists(2, NOW.plus(2 * HOUR), late, true)]),
            later,
            false,
            false,
        ),
        (
            "a certificate on the way that is not needed",
            world.trust(),
            world.with_both_certificates(),
            soon,
            true,
            true,
        ),
    ];
    for side in [Side::Client, Side::Server] {
        for (what, first, second, now, resumes, accepted) in &cases {
            let what = format!("{what}, {side:?}");
            let (first, second) = (world.sides(side, first.clone()), world.sides(side, second.clone()));
            let (resumed, outcome) = compare(first, second, *now, &what);
            assert_eq!((resumed, outcome.is_ok()), (*resumes, *accepted), "{what}");
        }
    }
}

#[test]
fn a_verdict_about_a_pinned_authority_counts_where_it_is_sent() {
    let world = World::new(&[Shown::Below, Shown::Root]);
    let mut pinned = TrustStore::new();
    pinned.add_fingerprint(world.root.certificate().fingerprint());
    for side in [Side::Client, Side::Server] {
        let sides = || world.sides(side, pinned.clone());
        let (resumed, outcome) = compare(sides(), sides(), NOW.plus(HOUR), "pinned");
        assert!(
            resumed && outcome.unwrap().iter().all(|(_, authority, _)| authority == world.root.certificate())
        );
        // The same octets are trusted in the one way and the other, and whom the peer is told to trust differs.
        assert!(!compare(sides(), world.sides(side, world.trust()), NOW.plus(HOUR), "not pinned").0);
    }
}

#[test]
fn a_verdict_with_a_certificate_of_ours_on_the_way_does_not_count_without_it() {
    let world = World::new(&[]);
    for side in [Side::Client, Side::Server] {
        let with = || world.sides(side, world.with_both_certificates());
        assert!(compare(with(), with(), NOW.plus(HOUR), "the same").0);
        let (resumed, outcome) = compare(with(), world.sides(side, world.trust()), NOW.plus(HOUR), "without");
        assert!(!resumed && outcome.is_err());
    }
}

#[test]
fn a_verdict_counts_for_the_name_and_the_limits_that_it_was_made_for() {
    let world = World::new(&[Shown::Below]);
    let (client, server) = world.sides(Side::Client, world.trust());
    let any = client.clone().with_any_server_name();
    let other = server.clone().with_identity(Arc::clone(&world.other));
    for (first, second, resumes, accepted) in [
        ((any.clone(), other.clone()), (any.clone(), other.clone()), true, true),
        ((any.clone(), other.clone()), (client.clone(), other), false, false),
        ((any.clone(), server.clone()), (client.clone(), server.clone()), true, true),
        ((client.clone(), server.clone()), (any, server.clone()), true, true),
        (
            (client.clone(), server.clone()),
            (client.clone().with_max_chain_len(1).unwrap(), server.clone()),
            false,
            false,
        ),
        (
            (client.clone(), server.clone()),
            (client.clone(), server.clone().with_max_chain_len(1).unwrap()),
            false,
            false,
        ),
    ] {
        let (resumed, outcome) = compare(first, second, NOW.plus(HOUR), "name or limit");
        assert_eq!((resumed, outcome.is_ok()), (resumes, accepted));
    }
}

#[test]
fn a_verdict_that_took_a_leaf_without_a_purpose_does_not_count_where_that_is_not_allowed() {
    let world = World::new(&[]);
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let status =
            Command::new("openssl").args(arguments.split_whitespace()).current_dir(folder.path()).output();
        assert!(status.expect("openssl, which scripts/deps.sh installs").status.success(), "{arguments}");
    };
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    std::fs::write(folder.path().join("names"), "subjectAltName = DNS:bank.example\n").unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    run(&format!("req -x509 {key} -keyout ca.key -subj /CN=CA -days 9000 -out ca.pem"));
    run(&format!("req -new {key} -keyout key.pem -subj /CN=x -out x.csr"));
    run("x509 -req -in x.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9000 -extfile names -out x.pem");
    let leaf = Identity::load(&[read("x.pem"), read("key.pem")].concat(), None).map(Arc::new).unwrap();
    let mut strict = TrustStore::new();
    strict.add_authority(&Certificate::load(&read("ca.pem")).unwrap()).unwrap();
    let mut lenient = strict.clone();
    lenient.allow_missing_eku();
    for side in [Side::Client, Side::Server] {
        let sides = |trust: &TrustStore| {
            let (client, server) = world.sides(side, trust.clone());
            match side {
                Side::Client => (client, server.with_identity(Arc::clone(&leaf))),
                Side::Server => (client.with_identity(Arc::clone(&leaf)), server),
            }
        };
        assert!(compare(sides(&lenient), sides(&lenient), NOW.plus(HOUR), "allowed").0);
        let (resumed, outcome) = compare(sides(&lenient), sides(&strict), NOW.plus(HOUR), "not allowed");
        assert!(!resumed && outcome.is_err(), "{side:?}");
    }
}
