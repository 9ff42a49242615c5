//! Certificates that no authority would issue, put together octet by octet.

use otls::codepoints::SignatureScheme;
use otls::crypto::SystemRandom;
use otls::pki::PrivateKey;

pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let zeros = len.iter().take_while(|octet| **octet == 0).count();
    let mut out = match content.len() {
        0..=0x7F => vec![tag, len[7]],
        _ => [&[tag, 0x80 | u8::try_from(8 - zeros).unwrap()], &len[zeros..]].concat(),
    };
    out.extend_from_slice(content);
    out
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// A DER object identifier by its octets.
pub fn oid(octets: &[u8]) -> Vec<u8> {
    tlv(6, octets)
}

pub const SAN: &[u8] = b"\x55\x1D\x11";
pub const NAME_CONSTRAINTS: &[u8] = b"\x55\x1D\x1E";
pub const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1D\x13";
pub const EXTENDED_KEY_USAGE: &[u8] = b"\x55\x1D\x25";
pub const DISTRIBUTION_POINTS: &[u8] = b"\x55\x1D\x1F";

pub fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { b"\x01\x01\xFF" } else { b"" };
    seq(&[&oid(id), critical, &tlv(4, value)])
}

pub fn is_ca() -> Vec<u8> {
    extension(BASIC_CONSTRAINTS, true, b"\x30\x03\x01\x01\xFF")
}

/// serverAuth and clientAuth.
pub fn both_usages() -> Vec<u8> {
    let usage = |last| oid(&[0x2B, 6, 1, 5, 5, 7, 3, last]);
    extension(EXTENDED_KEY_USAGE, false, &seq(&[&usage(1), &usage(2)]))
}

/// One CN as an UTF8String.
pub fn common_name(text: &str) -> Vec<u8> {
    rdns(&[rdn(b"\x55\x04\x03", 0x0C, text.as_bytes())])
}

pub fn rdn(kind: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    tlv(0x31, &seq(&[&oid(kind), &tlv(tag, value)]))
}

pub fn rdns(list: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &list.concat())
}

/// An RSA key that nobody has the private half of.
pub fn rsa_spki(bits: usize, exponent: u32) -> Vec<u8> {
    let mut modulus = vec![0xC3; bits.div_ceil(8)];
    modulus[0] = 1 << ((bits - 1) % 8);
    *modulus.last_mut().unwrap() |= 1;
    let integer = |octets: &[u8]| {
        let octets: Vec<u8> = octets.iter().copied().skip_while(|octet| *octet == 0).collect();
        let sign: &[u8] = if octets[0] >= 0x80 { &[0] } else { &[] };
        tlv(2, &[sign, &octets].concat())
    };
    let key = seq(&[&integer(&modulus), &integer(&exponent.to_be_bytes())]);
    let algorithm = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00";
    seq(&[algorithm, &tlv(3, &[&[0], key.as_slice()].concat())])
}

/// The same key with its point compressed.
pub fn compressed(spki: &[u8]) -> Vec<u8> {
    let algorithm_len = usize::from(spki[3]) + 2;
    let algorithm = &spki[2..2 + algorithm_len];
    let point = &spki[2 + algorithm_len + 3..];
    let half = (point.len() - 1) / 2;
    let sign = 2 + (point[point.len() - 1] & 1);
    seq(&[algorithm, &tlv(3, &[&[0, sign], &point[1..=half]].concat())])
}

/// A certificate, and how it is signed.
#[derive(Clone)]
pub struct Draft {
    pub serial: u64,
    pub subject: Vec<u8>,
    pub issuer: Vec<u8>,
    pub spki: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
}

pub const ECDSA_SHA256: &[u8] = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02";
pub const RSA_SHA256: &[u8] = b"\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00";

impl Draft {
    fn tbs(&self, algorithm: &[u8]) -> Vec<u8> {
        let validity = seq(&[&tlv(0x18, b"20250101000000Z"), &tlv(0x18, b"20991231235959Z")]);
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            tlv(0xA3, &tlv(0x30, &self.extensions.concat()))
        };
        let serial = tlv(2, &[&[1], self.serial.to_be_bytes().as_slice()].concat());
        seq(&[
            b"\xA0\x03\x02\x01\x02",
            &serial,
            algorithm,
            &self.issuer,
            &validity,
            &self.subject,
            &self.spki,
            &extensions,
        ])
    }

    /// Signed with a P-256 key.
    pub fn signed(&self, key: &PrivateKey) -> Vec<u8> {
        let tbs = self.tbs(ECDSA_SHA256);
        let scheme = SignatureScheme::ECDSA_SECP256R1_SHA256;
        let signature = key.sign(scheme, &tbs, &SystemRandom).unwrap();
        seq(&[&tbs, ECDSA_SHA256, &tlv(3, &[&[0], signature.as_slice()].concat())])
    }

    /// With octets in the place of an RSA signature.
    pub fn rsa_unsigned(&self, len: usize) -> Vec<u8> {
        let mut signature = vec![0x5A; len + 1];
        (signature[0], signature[1]) = (0, 0);
        seq(&[&self.tbs(RSA_SHA256), RSA_SHA256, &tlv(3, &signature)])
    }
}
