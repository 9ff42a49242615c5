//! Handshake messages and alerts, field by field (RFC 8446 §4 and §6).

use super::certificate::certificate;
use super::fields::Fields;
use crate::codepoints::{
    AlertDescription, CipherSuite, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion,
    PskKeyExchangeMode, SignatureScheme,
};
use crate::pki::DistinguishedName;
use crate::wire::HELLO_RETRY_RANDOM;

/// What a message is called: a ServerHello may be a HelloRetryRequest (RFC 8446 §4.1.4).
pub(super) fn name(octets: &[u8]) -> String {
    match octets.first().map(|code| HandshakeType(*code)) {
        Some(HandshakeType::SERVER_HELLO) if is_retry(octets) => "HelloRetryRequest".to_owned(),
        Some(code) => code.to_string(),
        None => "empty".to_owned(),
    }
}

/// The random of a ClientHello.
pub(super) fn client_random(octets: &[u8]) -> Option<[u8; 32]> {
    let is_hello = octets.first() == Some(&HandshakeType::CLIENT_HELLO.0);
    octets.get(RANDOM..)?.first_chunk().filter(|_| is_hello).copied()
}

/// Where the random of a hello begins: behind the header and the version.
const RANDOM: usize = 6;

fn is_retry(octets: &[u8]) -> bool {
    octets.get(RANDOM..).is_some_and(|rest| rest.starts_with(&HELLO_RETRY_RANDOM))
}

/// A handshake message with its header.
pub(super) fn handshake(fields: &mut Fields<'_, '_>) -> Option<()> {
    let is_retry = is_retry(fields.octets);
    let kind = fields.number("msg_type", 1, named::<HandshakeType>)?;
    fields.number("length", 3, |length| length.to_string())?;
    let (kind, len) = (HandshakeType(u8::try_from(kind).ok()?), fields.left());
    match kind {
        HandshakeType::CLIENT_HELLO => client_hello(fields),
        HandshakeType::SERVER_HELLO => server_hello(fields, is_retry),
        HandshakeType::ENCRYPTED_EXTENSIONS => extensions(fields, Place::EncryptedExtensions),
        HandshakeType::CERTIFICATE_REQUEST => {
            fields.opaque("certificate_request_context", 1, |_| String::new())?;
            extensions(fields, Place::CertificateRequest)
        }
        HandshakeType::CERTIFICATE => {
            fields.opaque("certificate_request_context", 1, |_| String::new())?;
            fields.vector("certificate_list", 3, |list| {
                each(list, |list| {
                    certificate_entry(list)?;
                    extensions(list, Place::CertificateEntry)
                })
            })
        }
        HandshakeType::CERTIFICATE_VERIFY => {
            fields.number("algorithm", 2, named::<SignatureScheme>)?;
            fields.opaque("signature", 2, |_| String::new())
        }
        HandshakeType::FINISHED => fields.octets("verify_data", len, "").map(|_| ()),
        HandshakeType::NEW_SESSION_TICKET => {
            fields.number("ticket_lifetime", 4, |seconds| format!("{seconds} s"))?;
            fields.number("ticket_age_add", 4, |milliseconds| milliseconds.to_string())?;
            fields.opaque("ticket_nonce", 1, |_| String::new())?;
            fields.opaque("ticket", 2, |_| String::new())?;
            extensions(fields, Place::NewSessionTicket)
        }
        HandshakeType::KEY_UPDATE => fields
            .number("request_update", 1, |value| match value {
                0 => "update_not_requested (0)".to_owned(),
                1 => "update_requested (1)".to_owned(),
                other => other.to_string(),
            })
            .map(|_| ()),
        _ => Some(()),
    }
}

/// An alert (RFC 8446 §6).
pub(super) fn alert(fields: &mut Fields<'_, '_>) -> Option<()> {
    fields.number("level", 1, |level| match level {
        1 => "warning (1)".to_owned(),
        2 => "fatal (2)".to_owned(),
        other => other.to_string(),
    })?;
    fields.number("description", 1, named::<AlertDescription>).map(|_| ())
}

fn client_hello(fields: &mut Fields<'_, '_>) -> Option<()> {
    fields.number("legacy_version", 2, named::<ProtocolVersion>)?;
    fields.octets("random", 32, "")?;
    fields.opaque("legacy_session_id", 1, |_| String::new())?;
    numbers(fields, "cipher_suites", "cipher_suite", named::<CipherSuite>)?;
    fields.opaque("legacy_compression_methods", 1, |methods| {
        if methods == [0] { "null (0)".to_owned() } else { String::new() }
    })?;
    extensions(fields, Place::ClientHello)
}

fn server_hello(fields: &mut Fields<'_, '_>, is_retry: bool) -> Option<()> {
    fields.number("legacy_version", 2, named::<ProtocolVersion>)?;
    let random = if is_retry { "SHA-256 of \"HelloRetryRequest\"" } else { "" };
    fields.octets("random", 32, random)?;
    fields.opaque("legacy_session_id_echo", 1, |_| String::new())?;
    fields.number("cipher_suite", 2, named::<CipherSuite>)?;
    fields.number("legacy_compression_method", 1, |method| match method {
        0 => "null (0)".to_owned(),
        other => other.to_string(),
    })?;
    extensions(fields, if is_retry { Place::HelloRetryRequest } else { Place::ServerHello })
}

fn certificate_entry(fields: &mut Fields<'_, '_>) -> Option<()> {
    fields.vector("cert_data", 3, |entry| {
        let len = entry.left();
        certificate(entry, len)
    })
}

/// The message that an extension stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    ClientHello,
    ServerHello,
    HelloRetryRequest,
    EncryptedExtensions,
    CertificateRequest,
    CertificateEntry,
    NewSessionTicket,
}

fn extensions(fields: &mut Fields<'_, '_>, place: Place) -> Option<()> {
    fields.vector("extensions", 2, |list| {
        each(list, |list| {
            let [high, low, long, short] = *list.peek(4)?.first_chunk()?;
            let code = u16::from_be_bytes([high, low]);
            let len = usize::from(u16::from_be_bytes([long, short]));
            let name = named::<ExtensionType>(u64::from(code));
            list.group("extension", len.checked_add(4)?, &name, |extension| {
                extension.number("extension_type", 2, |_| name.clone())?;
                extension.number("length", 2, |length| length.to_string())?;
                if len > 0 { body(extension, ExtensionType(code), place) } else { Some(()) }
            })
        })
    })
}

/// The content of an extension (RFC 8446 §4.2 and what it refers to).
fn body(fields: &mut Fields<'_, '_>, code: ExtensionType, place: Place) -> Option<()> {
    match (code, place) {
        (ExtensionType::SERVER_NAME, Place::ClientHello) => fields.vector("server_name_list", 2, |list| {
            each(list, |list| {
                list.number("name_type", 1, |kind| match kind {
                    0 => "host_name (0)".to_owned(),
                    other => other.to_string(),
                })?;
                list.opaque("host_name", 2, ascii)
            })
        }),
        (ExtensionType::SUPPORTED_GROUPS, _) => {
            numbers(fields, "named_group_list", "named_group", named::<NamedGroup>)
        }
        (ExtensionType::SIGNATURE_ALGORITHMS | ExtensionType::SIGNATURE_ALGORITHMS_CERT, _) => {
            let name = named::<SignatureScheme>;
            numbers(fields, "supported_signature_algorithms", "signature_scheme", name)
        }
        (ExtensionType::ALPN, _) => fields.vector("protocol_name_list", 2, |list| {
            each(list, |list| list.opaque("protocol_name", 1, ascii))
        }),
        (ExtensionType::RECORD_SIZE_LIMIT, _) => {
            fields.number("record_size_limit", 2, |limit| limit.to_string()).map(|_| ())
        }
        (ExtensionType::SUPPORTED_VERSIONS, Place::ClientHello) => fields.vector("versions", 1, |list| {
            each(list, |list| list.number("version", 2, named::<ProtocolVersion>).map(|_| ()))
        }),
        (ExtensionType::SUPPORTED_VERSIONS, _) => {
            fields.number("selected_version", 2, named::<ProtocolVersion>).map(|_| ())
        }
        (ExtensionType::COOKIE, _) => fields.opaque("cookie", 2, |_| String::new()),
        (ExtensionType::PSK_KEY_EXCHANGE_MODES, _) => fields.vector("ke_modes", 1, |list| {
            each(list, |list| list.number("ke_mode", 1, named::<PskKeyExchangeMode>).map(|_| ()))
        }),
        (ExtensionType::KEY_SHARE, Place::ClientHello) => {
            fields.vector("client_shares", 2, |list| each(list, key_share))
        }
        (ExtensionType::KEY_SHARE, Place::HelloRetryRequest) => {
            fields.number("selected_group", 2, named::<NamedGroup>).map(|_| ())
        }
        (ExtensionType::KEY_SHARE, _) => key_share(fields),
        (ExtensionType::PRE_SHARED_KEY, Place::ClientHello) => {
            fields.vector("identities", 2, |list| {
                each(list, |list| {
                    list.opaque("identity", 2, |_| String::new())?;
                    list.number("obfuscated_ticket_age", 4, |age| age.to_string()).map(|_| ())
                })
            })?;
            fields.vector("binders", 2, |list| each(list, |list| list.opaque("binder", 1, |_| String::new())))
        }
        (ExtensionType::PRE_SHARED_KEY, _) => {
            fields.number("selected_identity", 2, |index| index.to_string()).map(|_| ())
        }
        (ExtensionType::CERTIFICATE_AUTHORITIES, _) => fields.vector("authorities", 2, |list| {
            each(list, |list| list.opaque("distinguished_name", 2, distinguished_name))
        }),
        (ExtensionType::EARLY_DATA, Place::NewSessionTicket) => {
            fields.number("max_early_data_size", 4, |octets| octets.to_string()).map(|_| ())
        }
        _ => fields.octets("extension_data", fields.left(), "").map(|_| ()),
    }
}

/// KeyShareEntry (RFC 8446 §4.2.8).
fn key_share(fields: &mut Fields<'_, '_>) -> Option<()> {
    let [_, _, high, low] = *fields.peek(4)?.first_chunk()?;
    let len = usize::from(u16::from_be_bytes([high, low])).checked_add(4)?;
    fields.group("key_share_entry", len, "", |entry| {
        entry.number("group", 2, named::<NamedGroup>)?;
        entry.opaque("key_exchange", 2, |_| String::new())
    })
}

/// A vector of code points of two octets.
fn numbers(
    fields: &mut Fields<'_, '_>,
    list: &str,
    each_name: &str,
    meaning: impl Fn(u64) -> String,
) -> Option<()> {
    fields.vector(list, 2, |inner| each(inner, |inner| inner.number(each_name, 2, &meaning).map(|_| ())))
}

/// One after the other, to the end.
fn each<'a, 'o>(
    fields: &mut Fields<'a, 'o>,
    mut one: impl FnMut(&mut Fields<'a, 'o>) -> Option<()>,
) -> Option<()> {
    while !fields.is_at_end() {
        let before = fields.at;
        one(fields)?;
        if fields.at == before {
            return None;
        }
    }
    Some(())
}

/// The registered name of a code point, with its number. Those of RFC 8701 mean nothing on purpose.
pub(super) fn named<T: Code>(code: impl Into<u64>) -> String {
    T::described(code.into())
}

/// A code point with its number.
pub(super) trait Code {
    fn described(code: u64) -> String;
}

macro_rules! codes {
    ($($name:ident($int:ty), $width:literal, $others:expr;)*) => {$(
        impl Code for $name {
            fn described(code: u64) -> String {
                let Ok(number) = <$int>::try_from(code) else { return code.to_string() };
                let number_text = format!(concat!("0x{:0", $width, "x}"), number);
                match $name(number).name().or_else(|| other_name($others, code)) {
                    Some(name) => format!("{name} ({number_text})"),
                    None if is_grease(code) => format!("GREASE ({number_text})"),
                    None => format!("unknown ({number_text})"),
                }
            }
        }
    )*};
}

codes! {
    ProtocolVersion(u16), "4", VERSIONS;
    HandshakeType(u8), "2", &[];
    CipherSuite(u16), "4", SUITES;
    ExtensionType(u16), "4", EXTENSIONS;
    NamedGroup(u16), "4", GROUPS;
    SignatureScheme(u16), "4", SCHEMES;
    PskKeyExchangeMode(u8), "2", &[];
    AlertDescription(u8), "2", &[];
}

/// A name that the library has no use for, and that others send.
fn other_name(others: &'static [(u16, &'static str)], code: u64) -> Option<&'static str> {
    others.iter().find(|(other, _)| u64::from(*other) == code).map(|(_, name)| *name)
}

const VERSIONS: &[(u16, &str)] = &[(0x0300, "SSLv3"), (0x0302, "TLSv1.1")];

/// IANA, TLS Cipher Suites.
const SUITES: &[(u16, &str)] = &[
    (0x00FF, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
    (0x5600, "TLS_FALLBACK_SCSV"),
    (0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// IANA, TLS ExtensionType Values.
const EXTENSIONS: &[(u16, &str)] = &[
    (11, "ec_point_formats"),
    (22, "encrypt_then_mac"),
    (23, "extended_master_secret"),
    (24, "token_binding"),
    (27, "compress_certificate"),
    (34, "delegated_credential"),
    (35, "session_ticket"),
    (57, "quic_transport_parameters"),
    (0x4469, "application_settings"),
    (0xFE0D, "encrypted_client_hello"),
    (0xFF01, "renegotiation_info"),
];

/// IANA, TLS Supported Groups.
const GROUPS: &[(u16, &str)] = &[
    (0x0016, "secp256k1"),
    (0x0019, "secp521r1"),
    (0x001E, "x448"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x11ED, "SecP384r1MLKEM1024"),
];

/// IANA, TLS SignatureScheme.
const SCHEMES: &[(u16, &str)] = &[
    (0x0201, "rsa_pkcs1_sha1"),
    (0x0203, "ecdsa_sha1"),
    (0x0303, "SHA224 ECDSA"),
    (0x0301, "SHA224 RSA"),
    (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080A, "rsa_pss_pss_sha384"),
    (0x080B, "rsa_pss_pss_sha512"),
    (0x081A, "ecdsa_brainpoolP256r1tls13_sha256"),
    (0x081B, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081C, "ecdsa_brainpoolP512r1tls13_sha512"),
];

/// RFC 8701 §2.
fn is_grease(code: u64) -> bool {
    code & 0x0F0F == 0x0A0A && code >> 8 == code & 0xFF
}

/// What is printable; nothing of what is not.
fn ascii(octets: &[u8]) -> String {
    match core::str::from_utf8(octets) {
        Ok(text) if octets.iter().all(|octet| octet.is_ascii_graphic()) => text.to_owned(),
        _ => String::new(),
    }
}

fn distinguished_name(der: &[u8]) -> String {
    DistinguishedName::from_der(der).map(|name| name.to_string()).unwrap_or_default()
}
