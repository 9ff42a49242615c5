//! Each message: round trip, every truncation refused, a trailing octet refused, each bound.

use super::*;
use crate::codepoints::CipherSuite;
use crate::wire::hello::HELLO_RETRY_RANDOM;
use crate::wire::{
    CertificateEntry, CertificateMessage, CertificateRequestMessage, CertificateVerify, ClientHello,
    EncryptedExtensions, HelloRetryRequest, KeyUpdate, NewSessionTicket, ServerHello, ServerHelloOrRetry,
    SessionId,
};

fn encoded(value: &impl Codec) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

/// The round trip, and that nothing but the whole decodes. `lengths` are prefixes that are whole
/// messages of older versions.
fn holds<T: Codec + PartialEq + core::fmt::Debug>(value: &T, lengths: &[usize]) {
    let bytes = encoded(value);
    let decoded = T::decode_all("message", &bytes).unwrap();
    assert_eq!(encoded(&decoded), bytes);
    for len in 0..bytes.len() {
        let cut = T::decode_all("message", &bytes[..len]);
        assert_eq!(cut.is_ok(), lengths.contains(&len), "{len} of {} octets of {value:?}", bytes.len());
    }
    let longer = [&bytes[..], &[0]].concat();
    let refused = T::decode_all("message", &longer).unwrap_err();
    assert!(matches!(refused.why, Malformed::TrailingData | Malformed::Truncated), "{refused}");
}

fn client_hello() -> ClientHello {
    ClientHello {
        legacy_version: ProtocolVersion::TLS1_2,
        random: [1; 32],
        legacy_session_id: SessionId::full([2; 32]),
        cipher_suites: vec![CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite(0x0A0A)],
        legacy_compression_methods: vec![0],
        extensions: ClientExtensions {
            server_name: Some("bank.example".to_owned()),
            supported_groups: Some(vec![NamedGroup::X25519]),
            signature_algorithms: Some(vec![SignatureScheme::RSA_PSS_RSAE_SHA256]),
            signature_algorithms_cert: Some(vec![SignatureScheme::RSA_PKCS1_SHA256]),
            alpn: Some(vec![b"h2".to_vec(), b"otp".to_vec()]),
            record_size_limit: Some(64),
            supported_versions: Some(vec![ProtocolVersion::TLS1_3]),
            cookie: Some(vec![7]),
            psk_key_exchange_modes: Some(vec![PskKeyExchangeMode::PSK_DHE_KE]),
            certificate_authorities: Some(vec![vec![0x30, 0]]),
            post_handshake_auth: true,
            early_data: true,
            key_share: Some(KeyShares::of(vec![KeyShareEntry {
                group: NamedGroup::X25519,
                key_exchange: vec![3; 32],
            }])),
            pre_shared_key: Some(OfferedPsks {
                identities: vec![PskIdentity { identity: vec![4], obfuscated_ticket_age: 5 }],
                binders: vec![vec![6; 32]],
            }),
            passed_over: Vec::new(),
            types: Vec::new(),
        },
    }
}

fn server_hello() -> ServerHello {
    ServerHello {
        legacy_version: ProtocolVersion::TLS1_2,
        random: [1; 32],
        legacy_session_id_echo: SessionId::default(),
        cipher_suite: CipherSuite::TLS_AES_256_GCM_SHA384,
        legacy_compression_method: 0,
        extensions: ServerExtensions {
            supported_versions: Some(ProtocolVersion::TLS1_3),
            key_share: Some(KeyShareEntry { group: NamedGroup::SECP256R1, key_exchange: vec![4; 65] }),
            pre_shared_key: Some(0),
            types: Vec::new(),
        },
    }
}

fn retry() -> HelloRetryRequest {
    HelloRetryRequest {
        legacy_version: ProtocolVersion::TLS1_2,
        legacy_session_id_echo: SessionId::full([9; 32]),
        cipher_suite: CipherSuite::TLS_AES_256_GCM_SHA384,
        legacy_compression_method: 0,
        extensions: HelloRetryExtensions {
            supported_versions: Some(ProtocolVersion::TLS1_3),
            key_share: Some(NamedGroup::SECP384R1),
            cookie: Some(vec![1, 2]),
            types: Vec::new(),
        },
    }
}

#[test]
fn every_message_survives_a_round_trip_and_nothing_but_the_whole_decodes() {
    // RFC 8446 §4.1.2: up to the compression methods it is a hello without extensions.
    let hello = client_hello();
    holds(&hello, &[2 + 32 + 33 + 2 + 4 + 2]);
    holds(&server_hello(), &[2 + 32 + 1 + 2 + 1]);
    holds(&retry(), &[]);
    holds(
        &EncryptedExtensions {
            extensions: EncryptedExtensionsBody {
                server_name: true,
                supported_groups: Some(vec![NamedGroup::X25519]),
                alpn: Some(b"otp".to_vec()),
                record_size_limit: Some(1 << 14),
                early_data: true,
                types: Vec::new(),
            },
        },
        &[],
    );
    holds(
        &CertificateRequestMessage {
            certificate_request_context: vec![1],
            extensions: CertificateRequestExtensions {
                signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
                signature_algorithms_cert: Some(vec![SignatureScheme::RSA_PKCS1_SHA384]),
                certificate_authorities: Some(vec![vec![0x30, 0]]),
                types: Vec::new(),
            },
        },
        &[],
    );
    holds(
        &CertificateMessage {
            certificate_request_context: Vec::new(),
            certificate_list: vec![CertificateEntry { cert_data: vec![0x30, 0], types: Vec::new() }],
        },
        &[],
    );
    holds(
        &CertificateVerify { algorithm: SignatureScheme::RSA_PSS_RSAE_SHA384, signature: vec![1; 64] },
        &[],
    );
    holds(
        &NewSessionTicket {
            ticket_lifetime: 1,
            ticket_age_add: 2,
            ticket_nonce: vec![3],
            ticket: vec![4],
            max_early_data_size: Some(5),
        },
        &[],
    );
    holds(&KeyUpdate { update_requested: true }, &[]);
}

#[test]
fn the_types_are_kept_in_their_order_and_unknown_ones_are_passed_over() {
    let mut bytes = Vec::new();
    Block::write(&mut bytes, |block| {
        block.flag(ExtensionType(0x0A0A), true);
        block.list(ExtensionType::SUPPORTED_VERSIONS, Prefix::One, Some(&[ProtocolVersion::TLS1_3]));
    });
    let extensions = ClientExtensions::decode_all("extensions", &bytes).unwrap();
    assert_eq!(extensions.types, [ExtensionType(0x0A0A), ExtensionType::SUPPORTED_VERSIONS]);
    assert_eq!(extensions.supported_versions, Some(vec![ProtocolVersion::TLS1_3]));
}

#[test]
fn a_hello_retry_request_is_told_from_a_server_hello_by_its_random() {
    let decoded = ServerHelloOrRetry::decode_all("ServerHello", &encoded(&retry())).unwrap();
    assert!(matches!(decoded, ServerHelloOrRetry::HelloRetryRequest(_)));
    let decoded = ServerHelloOrRetry::decode_all("ServerHello", &encoded(&server_hello())).unwrap();
    assert!(matches!(decoded, ServerHelloOrRetry::ServerHello(_)));
    assert!(HelloRetryRequest::decode_all("HelloRetryRequest", &encoded(&server_hello())).is_err());
    assert_eq!(HELLO_RETRY_RANDOM[..4], [0xCF, 0x21, 0xAD, 0x74]);
}

/// A block with one extension.
fn block(extension: ExtensionType, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Block::write(&mut out, |block| {
        block.some(extension, Some(&()), |(), out| out.extend_from_slice(body));
    });
    out
}

fn client_refuses(extension: ExtensionType, body: &[u8]) -> Malformed {
    ClientExtensions::decode_all("extensions", &block(extension, body)).unwrap_err().why
}

#[test]
fn every_bound_of_a_client_extension_is_enforced() {
    use ExtensionType as T;
    use Malformed::{Duplicate, Empty, IllegalValue, TrailingData, Truncated};
    let cases: &[(ExtensionType, &[u8], Malformed)] = &[
        (T::SERVER_NAME, &[0, 0], Truncated),
        (T::SERVER_NAME, &[0, 3, 0, 0, 0], Empty),
        (T::SERVER_NAME, &[0, 4, 1, 0, 1, b'a'], IllegalValue),
        (T::SERVER_NAME, &[0, 4, 0, 0, 1, 0x80], IllegalValue),
        (T::SERVER_NAME, &[0, 4, 0, 0, 1, b'\n'], IllegalValue),
        (T::SERVER_NAME, &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'], TrailingData),
        (T::SUPPORTED_GROUPS, &[0, 0], Empty),
        (T::SUPPORTED_GROUPS, &[0, 3, 0, 29, 0], Truncated),
        (T::SUPPORTED_GROUPS, &[0, 2, 0, 29, 0], TrailingData),
        (T::SIGNATURE_ALGORITHMS, &[0, 0], Empty),
        (T::SIGNATURE_ALGORITHMS_CERT, &[0, 0], Empty),
        (T::ALPN, &[0, 0], Empty),
        (T::ALPN, &[0, 1, 0], Empty),
        (T::RECORD_SIZE_LIMIT, &[0, 63], IllegalValue),
        (T::SUPPORTED_VERSIONS, &[0], Empty),
        (T::COOKIE, &[0, 0], Empty),
        (T::PSK_KEY_EXCHANGE_MODES, &[0], Empty),
        (T::CERTIFICATE_AUTHORITIES, &[0, 0], Empty),
        (T::CERTIFICATE_AUTHORITIES, &[0, 2, 0, 0], Empty),
        (T::POST_HANDSHAKE_AUTH, &[0], TrailingData),
        (T::EARLY_DATA, &[0, 0, 0, 1], TrailingData),
        (T::KEY_SHARE, &[0, 4, 0, 29, 0, 0], Empty),
        (T::KEY_SHARE, &[0, 10, 0, 29, 0, 1, 7, 0, 29, 0, 1, 7], Duplicate),
        (T::KEY_SHARE, &[0, 10, 9, 9, 0, 1, 7, 9, 9, 0, 1, 7], Duplicate),
        (T::PRE_SHARED_KEY, &[0, 0, 0, 0], Empty),
        (T::PRE_SHARED_KEY, &[0, 7, 0, 1, 9, 0, 0, 0, 0, 0, 0], Empty),
        (T::PRE_SHARED_KEY, &[0, 7, 0, 1, 9, 0, 0, 0, 0, 0, 2, 1, 7], Truncated),
    ];
    for (extension, body, why) in cases {
        assert_eq!(client_refuses(*extension, body), *why, "{extension} {body:?}");
    }
}

#[test]
fn an_extension_twice_or_in_the_wrong_message_is_refused() {
    let once = block(ExtensionType(0x1A1A), &[]);
    let twice = [&[0, 8][..], &once[2..], &once[2..]].concat();
    assert_eq!(ClientExtensions::decode_all("extensions", &twice).unwrap_err().why, Malformed::Duplicate);
    // RFC 8446 §4.2: the table says where each belongs.
    let misplaced = block(ExtensionType::OID_FILTERS, &[0, 0]);
    assert_eq!(
        ClientExtensions::decode_all("extensions", &misplaced).unwrap_err().why,
        Malformed::IllegalValue
    );
    let misplaced = block(ExtensionType::SERVER_NAME, &[]);
    assert_eq!(
        ServerExtensions::decode_all("extensions", &misplaced).unwrap_err().why,
        Malformed::IllegalValue
    );
    let misplaced = block(ExtensionType::KEY_SHARE, &[]);
    let decoded = EncryptedExtensionsBody::decode_all("extensions", &misplaced);
    assert_eq!(decoded.unwrap_err().why, Malformed::IllegalValue);
}

#[test]
fn any_number_of_unknown_extensions_is_passed_over_and_one_twice_is_found() {
    let unknown = (0x1000..0x4FFE).map(ExtensionType);
    let encoded = |last: ExtensionType| {
        let mut bytes = Vec::new();
        Block::write(&mut bytes, |block| {
            unknown.clone().for_each(|extension| block.flag(extension, true));
            block.flag(last, true);
        });
        bytes
    };
    let decoded = ClientExtensions::decode_all("extensions", &encoded(ExtensionType::EARLY_DATA)).unwrap();
    assert!(decoded.early_data, "a known one counts wherever it stands");
    assert_eq!(decoded.types.len(), 0x3FFF);
    let twice = ClientExtensions::decode_all("extensions", &encoded(ExtensionType(0x1000)));
    assert_eq!(twice.unwrap_err().why, Malformed::Duplicate);
}

#[test]
fn any_number_of_unknown_shares_is_passed_over() {
    let unknown =
        (0x3000..0x6000).map(|group| KeyShareEntry { group: NamedGroup(group), key_exchange: vec![1] });
    let x25519 = KeyShareEntry { group: NamedGroup::X25519, key_exchange: vec![3; 32] };
    let all: Vec<_> = unknown.chain([x25519.clone()]).collect();
    let decoded = KeyShares::decode_all("key_share", &encoded(&KeyShares::of(all))).unwrap();
    assert_eq!((decoded.groups.len(), decoded.known), (0x3001, vec![x25519]));
}

#[test]
fn pre_shared_key_must_be_last() {
    let psk = block(
        ExtensionType::PRE_SHARED_KEY,
        &encoded(client_hello().extensions.pre_shared_key.as_ref().unwrap()),
    );
    let after = block(ExtensionType(0x2A2A), &[]);
    let length = u16::try_from(psk.len() + after.len() - 4).unwrap().to_be_bytes();
    let bytes = [&length[..], &psk[2..], &after[2..]].concat();
    assert_eq!(ClientExtensions::decode_all("extensions", &bytes).unwrap_err().why, Malformed::IllegalValue);
}

#[test]
fn a_key_update_is_zero_or_one() {
    assert_eq!(KeyUpdate::decode_all("KeyUpdate", &[2]).unwrap_err().why, Malformed::IllegalValue);
}

#[test]
fn a_server_that_answers_with_two_protocols_is_refused() {
    let two = block(ExtensionType::ALPN, &[0, 4, 1, b'a', 1, b'b']);
    assert_eq!(
        EncryptedExtensionsBody::decode_all("extensions", &two).unwrap_err().why,
        Malformed::IllegalValue
    );
}

/// Every octet of every message changed, inserted and removed: an error or another message, never a
/// panic, and what decodes encodes.
#[test]
fn mutations_of_a_message_never_panic() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(bound).unwrap()).unwrap()
    };
    let seeds = [encoded(&client_hello()), encoded(&server_hello()), encoded(&retry())];
    let mut decoded = 0;
    for _ in 0..20_000 {
        let mut bytes = seeds[next(seeds.len())].clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = u8::try_from(next(256)).unwrap(),
                1 => bytes.insert(at, u8::try_from(next(256)).unwrap()),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        if let Ok(hello) = ClientHello::decode_all("ClientHello", &bytes) {
            decoded += 1;
            assert!(ClientHello::decode_all("ClientHello", &encoded(&hello)).is_ok());
        }
        if let Ok(hello) = ServerHelloOrRetry::decode_all("ServerHello", &bytes) {
            decoded += 1;
            assert!(ServerHelloOrRetry::decode_all("ServerHello", &encoded(&hello)).is_ok());
        }
    }
    assert!(decoded > 1000, "only {decoded} mutations decoded: the test has lost its grip");
}
