//! What a server takes for a session that may be resumed (RFC 8446 §4.2.9, §4.2.11, §4.6.1).

use crate::common;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::common::NOW;
use crate::puppet::*;
use otls::codepoints::AlertDescription as Alert;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::pki::{
    CertificateRequest, DistinguishedName, GeneralName, Identity, KeyType, PrivateKey, Profile, Validity,
};
use otls::{ClientAuth, ServerConfig, State, TicketKeys};

static TICKETS: LazyLock<Arc<TicketKeys>> =
    LazyLock::new(|| Arc::new(TicketKeys::generate(&SystemRandom, NOW).unwrap()));

fn config() -> ServerConfig {
    WORLD.server_config().with_tickets(Arc::clone(&TICKETS), 1).unwrap()
}

fn puppet() -> ClientPuppet {
    ClientPuppet::new(config(), Arc::clone(&WORLD.client), NOW)
}

fn established() -> ClientPuppet {
    ClientPuppet::established(config(), Arc::clone(&WORLD.client), NOW)
}

#[test]
fn the_puppet_resumes() {
    let mut first = established();
    let ticket = first.take_ticket();
    let mut puppet = puppet();
    let mut hello = puppet.hello();
    puppet.offer(&mut hello, &ticket);
    puppet.send_hello(&hello).unwrap();
    assert_eq!(puppet.take_flight(), [ENCRYPTED_EXTENSIONS, FINISHED]);
    puppet.send_flight(false).unwrap();
    assert!(puppet.wire.connection.resumed());
}

/// A ClientHello with a ticket of an earlier connection.
fn resuming() -> (ClientPuppet, ClientHello) {
    let ticket = established().take_ticket();
    let mut puppet = puppet();
    let mut hello = puppet.hello();
    puppet.offer(&mut hello, &ticket);
    (puppet, hello)
}

#[test]
fn a_ticket_without_modes_is_missing_an_extension() {
    let (mut puppet, mut hello) = resuming();
    unset(&mut hello.extensions, PSK_KEY_EXCHANGE_MODES);
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, Alert::MISSING_EXTENSION);
}

#[test]
fn a_binder_that_does_not_validate_is_a_decrypt_error() {
    let (mut puppet, mut hello) = resuming();
    *hello.extensions.last_mut().unwrap().1.last_mut().unwrap() ^= 1;
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, Alert::DECRYPT_ERROR);
    // No binder or no ticket at all does not parse; one too many is another matter.
    let (mut puppet, mut hello) = resuming();
    let data = &mut hello.extensions.last_mut().unwrap().1;
    let without = data.len() - 35;
    data.truncate(without);
    data.extend([0, 0]);
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, Alert::DECODE_ERROR);
    let (mut puppet, mut hello) = resuming();
    set(&mut hello.extensions, PRE_SHARED_KEY, [vec16(b""), vec16(&vec8(&[1; 32]))].concat());
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, Alert::DECODE_ERROR);
    let (mut puppet, mut hello) = resuming();
    let data = &mut hello.extensions.last_mut().unwrap().1;
    data.truncate(without);
    data.extend(vec16(&[vec8(&[1; 32]), vec8(&[2; 32])].concat()));
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

#[test]
fn pre_shared_key_is_the_last_extension() {
    let (mut puppet, mut hello) = resuming();
    hello.extensions.push((0xFE0D, vec![]));
    let result = puppet.wire.message(&hello.encode());
    puppet.wire.refused(result, Alert::ILLEGAL_PARAMETER);
}

fn server_name(name: &str) -> Vec<u8> {
    vec16(&[vec![0], vec16(name.as_bytes())].concat())
}

fn protocols(names: &[&str]) -> Vec<u8> {
    vec16(&names.iter().flat_map(|name| vec8(name.as_bytes())).collect::<Vec<u8>>())
}

/// What a server with `config` sends to a client that has a ticket for the name `bank.example` and the protocol
/// `otp`, with a right binder, and asks as `change` says.
fn flight_of(config: ServerConfig, change: impl FnOnce(&mut ClientHello)) -> Vec<u8> {
    let ask = |hello: &mut ClientHello| {
        hello.extensions.extend([(SERVER_NAME, server_name("bank.example")), (ALPN, protocols(&["otp"]))]);
    };
    let mut first = ClientPuppet::new(with_protocols(self::config()), Arc::clone(&WORLD.client), NOW);
    let mut hello = first.hello();
    ask(&mut hello);
    first.send_hello(&hello).unwrap();
    first.take_flight();
    first.send_flight(true).unwrap();
    let ticket = first.take_ticket();

    let mut puppet = ClientPuppet::new(with_protocols(config), Arc::clone(&WORLD.client), NOW);
    let mut hello = puppet.hello();
    ask(&mut hello);
    change(&mut hello);
    puppet.offer(&mut hello, &ticket);
    puppet.wire.message(&hello.encode()).unwrap();
    if !puppet.wire.connection.resumed() {
        puppet.psk = vec![0; 32];
    }
    puppet.take_server_hello();
    puppet.take_flight()
}

fn with_protocols(config: ServerConfig) -> ServerConfig {
    config.with_alpn(&[b"otp", b"other"]).unwrap()
}

#[test]
fn a_ticket_is_good_for_its_name_its_protocol_and_its_demand_alone() {
    const FULL: [u8; 5] =
        [ENCRYPTED_EXTENSIONS, CERTIFICATE_REQUEST, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED];
    assert_eq!(flight_of(config(), |_| ()), [ENCRYPTED_EXTENSIONS, FINISHED]);
    let changes: [fn(&mut ClientHello); 4] = [
        |hello| set(&mut hello.extensions, SERVER_NAME, server_name("other.example")),
        |hello| unset(&mut hello.extensions, SERVER_NAME),
        |hello| set(&mut hello.extensions, ALPN, protocols(&["other"])),
        |hello| unset(&mut hello.extensions, ALPN),
    ];
    for change in changes {
        assert_eq!(flight_of(config(), change), FULL);
    }
    // A server of the same keys and identity that asks otherwise, or trusts somebody else as well.
    let mut wider = common::trust(&WORLD.authority);
    wider.add_authority(common::authority("another root").certificate()).unwrap();
    for auth in [ClientAuth::Require(wider), ClientAuth::Request(common::trust(&WORLD.authority))] {
        let config = ServerConfig::new(Arc::clone(&WORLD.server), auth);
        assert_eq!(flight_of(config.with_tickets(Arc::clone(&TICKETS), 1).unwrap(), |_| ()), FULL);
    }
    let renewed = common::identity(&WORLD.authority, KeyType::EcdsaP256, "bank.example", Profile::Server);
    assert_eq!(flight_of(config().with_identity(renewed), |_| ()), FULL);
}

#[test]
fn a_client_that_cannot_resume_is_confirmed_with_a_ticket_that_is_of_no_use() {
    for (modes, usable) in [
        (Some(vec8(&[1])), true),
        (Some(vec8(&[0, 1])), true),
        (Some(vec8(&[0])), false),
        (Some(vec8(&[7])), false),
        (None, false),
    ] {
        let mut puppet = puppet();
        let mut hello = puppet.hello();
        unset(&mut hello.extensions, PSK_KEY_EXCHANGE_MODES);
        hello.extensions.extend(modes.map(|modes| (PSK_KEY_EXCHANGE_MODES, modes)));
        puppet.send_hello(&hello).unwrap();
        puppet.take_flight();
        puppet.send_flight(true).unwrap();
        assert!(puppet.wire.connection.state().contains(State::CONFIRMED));
        let message = puppet.wire.next_message();
        assert_eq!(message[0], NEW_SESSION_TICKET);
        // ticket_lifetime; a ticket of ours is longer than the 32 octets that stand for none.
        assert_eq!((message[4..8] != [0; 4], message.len() > 100), (usable, usable));
    }
}

/// An identity of an hour.
fn of_an_hour(name: &str, profile: Profile) -> Arc<Identity> {
    let key = PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap();
    let (subject, names) = (DistinguishedName::with_common_name(name), [GeneralName::parse(name).unwrap()]);
    let request =
        CertificateRequest::create(&key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap();
    let certificate = WORLD
        .authority
        .issue(&request, profile, Validity::new(NOW, Duration::from_secs(3_600)), &SystemRandom)
        .unwrap();
    Arc::new(Identity::new(certificate.into(), key).unwrap())
}

#[test]
fn each_side_ends_a_session_with_the_certificates_whatever_the_other_says() {
    let (server, client) =
        (of_an_hour("bank.example", Profile::Server), of_an_hour("customer.example", Profile::Client));
    // The server's ticket_lifetime, with its own certificate and with the client's.
    for (server, client) in [(&server, &WORLD.client), (&WORLD.server, &client)] {
        let config = config().with_identity(Arc::clone(server));
        let mut puppet = ClientPuppet::established(config, Arc::clone(client), NOW);
        let lifetime = puppet.wire.next_message()[4..8].to_vec();
        let lifetime = u32::from_be_bytes(lifetime.try_into().unwrap());
        assert!((1..=3_600).contains(&lifetime), "{lifetime}");
    }
    // A client whose server says seven days.
    for (server, client, end) in
        [(&server, &WORLD.client, server.certificate()), (&WORLD.server, &client, client.certificate())]
    {
        let config = client_config().with_identity(Arc::clone(client)).with_sessions(1);
        let mut puppet = ServerPuppet::after_hello(config, Arc::clone(server), NOW);
        puppet.send_until_finished(true).unwrap();
        puppet.send_finished().unwrap();
        puppet.send_ticket(b"ticket");
        let session = puppet.wire.connection.take_session().unwrap();
        assert_eq!(session.expires_at(), end.not_after());
    }
}
