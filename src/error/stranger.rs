//! Who speaks something else than TLS, by the first octets.

/// What is spoken instead, by the five octets where a record's header should be (RFC 8446 §5.1).
pub(crate) fn spoken(header: [u8; 5]) -> Option<&'static str> {
    // SSL 2.0: a length of two octets with the first bit set, and a CLIENT-HELLO.
    if let [0x80..=0xFF, _, 1, ..] = header {
        return Some(SSL_2);
    }
    STRANGERS.iter().find(|(begin, _)| header.starts_with(begin)).map(|(_, what)| *what)
}

/// What to do about it.
pub(super) fn hint(what: &str) -> Option<&'static str> {
    HINTS.iter().find(|(one, _)| *one == what).map(|(_, hint)| *hint)
}

const STRANGERS: [(&[u8], &str); 14] = [
    (b"PROXY", PROXY),
    (b"\r\n\r\n\0", PROXY),
    (b"GET ", HTTP),
    (b"HEAD ", HTTP),
    (b"POST ", HTTP),
    (b"PUT ", HTTP),
    (b"OPTIO", HTTP),
    (b"CONNE", HTTP),
    (b"HTTP/", HTTP),
    (b"SSH-", SSH),
    (b"220 ", MAIL),
    (b"220-", MAIL),
    (b"* OK ", MAIL),
    (b"+OK ", MAIL),
];

const HINTS: [(&str, &str); 5] = [
    (
        PROXY,
        "a load balancer has put a PROXY protocol header before the connection: have it leave that out, or read the header from the socket first",
    ),
    (HTTP, "the peer speaks HTTP without TLS: check the port, and that the address is meant for TLS"),
    (SSH, "the peer speaks SSH: check the port"),
    (MAIL, "the peer greets as mail and FTP servers do: use its port for TLS, or STARTTLS before it"),
    (SSL_2, "the peer begins with SSL 2.0, as very old programs do: have it use TLS 1.3"),
];

const PROXY: &str = "a PROXY protocol header";
const HTTP: &str = "HTTP";
const SSH: &str = "SSH";
const MAIL: &str = "the greeting of a mail or FTP server";
const SSL_2: &str = "SSL 2.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_named_has_a_hint() {
        for (begin, what) in STRANGERS {
            let mut header = [b' '; 5];
            header.iter_mut().zip(begin).for_each(|(to, from)| *to = *from);
            assert_eq!(spoken(header), Some(what));
            assert!(hint(what).is_some(), "{what}");
        }
        assert_eq!(spoken(*b"\x80\x2e\x01\x03\x01"), Some(SSL_2));
        for other in [*b"\xff\xfd\x18\xff\xfd", *b"\x16\x03\x01\x00\x05", [0; 5], *b"\x7f\0\x01\0\0"] {
            assert_eq!(spoken(other), None);
        }
    }
}
