//! The octets of records, messages and extensions.

pub const CHANGE_CIPHER_SPEC: u8 = 20;
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

pub const CLIENT_HELLO: u8 = 1;
pub const SERVER_HELLO: u8 = 2;
pub const NEW_SESSION_TICKET: u8 = 4;
pub const END_OF_EARLY_DATA: u8 = 5;
pub const ENCRYPTED_EXTENSIONS: u8 = 8;
pub const CERTIFICATE: u8 = 11;
pub const CERTIFICATE_REQUEST: u8 = 13;
pub const CERTIFICATE_VERIFY: u8 = 15;
pub const FINISHED: u8 = 20;
pub const KEY_UPDATE: u8 = 24;

pub const SERVER_NAME: u16 = 0;
pub const STATUS_REQUEST: u16 = 5;
pub const SUPPORTED_GROUPS: u16 = 10;
pub const SIGNATURE_ALGORITHMS: u16 = 13;
pub const ALPN: u16 = 16;
pub const PADDING: u16 = 21;
pub const RECORD_SIZE_LIMIT: u16 = 28;
pub const PRE_SHARED_KEY: u16 = 41;
pub const EARLY_DATA: u16 = 42;
pub const SUPPORTED_VERSIONS: u16 = 43;
pub const COOKIE: u16 = 44;
pub const PSK_KEY_EXCHANGE_MODES: u16 = 45;
pub const SIGNATURE_ALGORITHMS_CERT: u16 = 50;
pub const KEY_SHARE: u16 = 51;

pub const X25519: u16 = 0x001D;
pub const SECP256R1: u16 = 0x0017;
pub const AES_128_GCM_SHA256: u16 = 0x1301;
pub const AES_256_GCM_SHA384: u16 = 0x1302;
pub const ECDSA_SECP256R1_SHA256: u16 = 0x0403;

pub type Extensions = Vec<(u16, Vec<u8>)>;

pub fn vec8(content: &[u8]) -> Vec<u8> {
    [&[content.len() as u8][..], content].concat()
}

pub fn vec16(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u16).to_be_bytes()[..], content].concat()
}

pub fn vec24(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes()[1..], content].concat()
}

pub fn handshake(message_type: u8, body: &[u8]) -> Vec<u8> {
    [&[message_type][..], &vec24(body)].concat()
}

pub fn record_header(content_type: u8, len: usize) -> [u8; 5] {
    let len = (len as u16).to_be_bytes();
    [content_type, 3, 3, len[0], len[1]]
}

pub fn extensions(list: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let all: Vec<u8> =
        list.iter().flat_map(|(kind, data)| [kind.to_be_bytes().to_vec(), vec16(data)].concat()).collect();
    vec16(&all)
}

/// Replaces the extension, or puts it at the end.
pub fn set(list: &mut Extensions, kind: u16, data: Vec<u8>) {
    match list.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, old)) => *old = data,
        None => list.push((kind, data)),
    }
}

pub fn unset(list: &mut Extensions, kind: u16) {
    list.retain(|(known, _)| *known != kind);
}

/// Octets of the message at the front, with its header.
pub fn message_len(messages: &[u8]) -> Option<usize> {
    let header: [u8; 4] = messages.get(..4)?.try_into().unwrap();
    Some(4 + (u32::from_be_bytes(header) & 0xFF_FFFF) as usize)
}

/// Takes `vec16` from the front.
pub fn take16<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let len = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    let (taken, rest) = bytes[2..].split_at(len);
    *bytes = rest;
    taken
}

pub fn take8<'a>(bytes: &mut &'a [u8]) -> &'a [u8] {
    let (taken, rest) = bytes[1..].split_at(usize::from(bytes[0]));
    *bytes = rest;
    taken
}

/// The extensions of a list without its own length.
pub fn parse_extensions(mut bytes: &[u8]) -> Extensions {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        let kind = u16::from_be_bytes([bytes[0], bytes[1]]);
        bytes = &bytes[2..];
        list.push((kind, take16(&mut bytes).to_vec()));
    }
    list
}

pub fn find(list: &[(u16, Vec<u8>)], kind: u16) -> Option<&[u8]> {
    list.iter().find(|(known, _)| *known == kind).map(|(_, data)| data.as_slice())
}
