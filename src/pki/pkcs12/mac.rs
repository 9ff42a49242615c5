//! What protects a PKCS#12 file against change: HMAC under a key of the password (RFC 7292 §5.1), or PBMAC1
//! (RFC 9579).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag};
use pkcs8::pkcs5::pbes2::{PBKDF2_OID, Pbkdf2Params};
use spki::AlgorithmIdentifierRef;

use super::Pkcs12Mac;
use super::fault::{malformed, not_supported, unsupported};
use super::kdf::{Budget, Hash, Password, Purpose};
use crate::error::{Error, KeyError, Result};
use crate::pki::encrypted;
use crate::pki::tlv::{expect, tlv};
use crate::secret::ct_eq;

/// Refuses `content` that is not what the content of a MacData, `mac_data`, was made of. The empty password has
/// two encodings: the one that fits comes back.
pub(super) fn verify<'p>(
    mac_data: &[u8],
    content: &[u8],
    password: Password<'p>,
    budget: &mut Budget,
) -> Result<Password<'p>> {
    let MacData { algorithm, expected, salt, iterations } = MacData::of(mac_data).map_err(malformed)?;
    if algorithm.oid == ID_PBMAC1 {
        let found = pbmac1(algorithm, content, &password, budget)?;
        return if ct_eq(&found, expected) { Ok(password) } else { Err(KeyError::WrongPassword.into()) };
    }
    let hash = Hash::of_digest(algorithm.oid)
        .ok_or_else(|| unsupported(format!("its MAC is of the algorithm {}", algorithm.oid)))?;
    let other = password.without_terminator();
    for password in [Some(password), other].into_iter().flatten() {
        budget.spend(iterations, 1)?;
        let rounds = u32::try_from(iterations).map_err(|_| TOO_MANY)?;
        let key = hash.derive(Purpose::Mac, &password, salt, rounds, hash.output_len());
        if ct_eq(&hash.hmac(&key, content)?, expected) {
            return Ok(password);
        }
    }
    Err(KeyError::WrongPassword.into())
}

/// The MacData of `content`, under `iterations` and this salt.
pub(super) fn make(
    kind: Pkcs12Mac,
    content: &[u8],
    password: &Password<'_>,
    iterations: u32,
    salt: &[u8],
) -> Result<Vec<u8>> {
    let hash = Hash::Sha256;
    let (key, algorithm) = match kind {
        Pkcs12Mac::HmacSha256 => {
            let key = hash.derive(Purpose::Mac, password, salt, iterations, hash.output_len());
            (key, algorithm(hash.digest_oid(), NULL))
        }
        Pkcs12Mac::Pbmac1 => {
            let key = hash.pbkdf2(password, salt, iterations, hash.output_len());
            (key, pbmac1_algorithm(hash, salt, iterations))
        }
    };
    let tag = hash.hmac(&key, content)?;
    // RFC 9579 §4: PBMAC1 has salt and iterations of its own, and those of MacData say nothing.
    let build = || {
        let digest = [algorithm?, tlv(Tag::OctetString, &tag)?].concat();
        let parts =
            [tlv(Tag::Sequence, &digest)?, tlv(Tag::OctetString, salt)?, iterations.to_der()?].concat();
        tlv(Tag::Sequence, &parts)
    };
    build().map_err(|_: der::Error| Error::Internal("a MAC that does not encode"))
}

struct MacData<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    expected: &'a [u8],
    salt: &'a [u8],
    iterations: u64,
}

impl<'a> MacData<'a> {
    fn of(content: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(content)?;
        let mut digest_info = SliceReader::new(expect(&mut reader, Tag::Sequence)?)?;
        let algorithm = digest_info.decode()?;
        let expected = expect(&mut digest_info, Tag::OctetString)?;
        digest_info.finish()?;
        let salt = expect(&mut reader, Tag::OctetString)?;
        // RFC 7292 §4: DEFAULT 1.
        let iterations = if reader.is_finished() { 1 } else { reader.decode()? };
        reader.finish()?;
        Ok(Self { algorithm, expected, salt, iterations })
    }
}

fn pbmac1(
    algorithm: AlgorithmIdentifierRef<'_>,
    content: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Vec<u8>> {
    let parameters = algorithm.parameters.ok_or(PBMAC1_MALFORMED)?;
    let (derivation, scheme) = parameters
        .sequence(|reader| {
            let derivation = AlgorithmIdentifierRef::decode(reader)?;
            Ok::<_, der::Error>((derivation, AlgorithmIdentifierRef::decode(reader)?.oid))
        })
        .map_err(malformed)?;
    if derivation.oid != PBKDF2_OID {
        return Err(unsupported(format!(
            "the key of its MAC is derived by the algorithm {}",
            derivation.oid
        )));
    }
    let hash =
        Hash::of_hmac(scheme).ok_or_else(|| unsupported(format!("its MAC is of the algorithm {scheme}")))?;
    let parameters = derivation.parameters.ok_or(PBMAC1_MALFORMED)?;
    let parameters = Pbkdf2Params::try_from(parameters).map_err(malformed)?;
    let iterations = encrypted::cost(&parameters.into()).map_err(not_supported)?;
    // RFC 9579 §4 has the length named, because HMAC takes keys of any, and RFC 8018 §5.3 one that nobody guesses.
    let len = parameters.key_length.map_or(0, usize::from);
    if len < MIN_MAC_KEY_LEN {
        return Err(KeyError::Malformed("its MAC names no key of 20 octets or more").into());
    }
    let prf = Hash::of_hmac(parameters.prf.oid()).ok_or(PBMAC1_MALFORMED)?;
    budget.spend(u64::from(iterations), prf.blocks(len))?;
    hash.hmac(&prf.pbkdf2(password, parameters.salt.as_bytes(), iterations, len), content)
}

/// RFC 9579 §5: PBKDF2 and HMAC with the same hash, and a key as long as its output.
fn pbmac1_algorithm(hash: Hash, salt: &[u8], iterations: u32) -> der::Result<Vec<u8>> {
    let key_len = u16::try_from(hash.output_len()).unwrap_or(u16::MAX);
    let hmac = algorithm(hash.hmac_oid(), NULL)?;
    let derivation =
        [OctetStringRef::new(salt)?.to_der()?, iterations.to_der()?, key_len.to_der()?, hmac.clone()]
            .concat();
    let derivation = algorithm(PBKDF2_OID, &tlv(Tag::Sequence, &derivation)?)?;
    algorithm(ID_PBMAC1, &tlv(Tag::Sequence, &[derivation, hmac].concat())?)
}

fn algorithm(oid: ObjectIdentifier, parameters: &[u8]) -> der::Result<Vec<u8>> {
    let parameters = AnyRef::from_der(parameters)?;
    AlgorithmIdentifierRef { oid, parameters: Some(parameters) }.to_der()
}

const ID_PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");
const NULL: &[u8] = &[5, 0];
/// The output of SHA-1, the shortest of the hashes.
const MIN_MAC_KEY_LEN: usize = 20;
const PBMAC1_MALFORMED: Error = Error::Key(KeyError::Malformed("its MAC has no parameters"));
const TOO_MANY: Error = Error::Key(KeyError::Malformed("impossible iterations of key derivation"));
