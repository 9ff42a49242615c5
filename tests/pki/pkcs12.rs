//! PKCS#12 files, with OpenSSL as the other side. Those of Java, GnuTLS and `cryptography` are in docs/formats.md.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use crate::support::*;
use otls::Error;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{CertificateError, KeyError};
use otls::pki::{
    Authority, AuthorityTerms, Certificate, CertificateRequest, Identity, Pkcs12, Pkcs12Mac, Pkcs12Options,
    PrivateKey, Profile, Validity,
};

const PASSWORD: &[u8] = "pässwörd ₹ 🔑".as_bytes();

/// A leaf below an authority below a root, with files `key.pem`, `leaf.pem`, `branch.pem` and `root.pem`.
struct Bank {
    openssl: OpenSsl,
    identity: Identity,
    root: Authority,
}

impl Bank {
    fn new(key: PrivateKey) -> Option<Self> {
        let openssl = openssl()?;
        let terms = || AuthorityTerms::new(Validity::new(NOW, YEAR));
        let root = Authority::create(
            ec_key(),
            &name("Root"),
            HashAlgorithm::Sha256,
            terms().with_path_len(1),
            &RANDOM,
        )
        .unwrap();
        let branch_key = ec_key();
        let asked = request(&branch_key, "Branch", &[]);
        let branch = root.issue_authority(&asked, &terms(), &RANDOM).unwrap();
        let branch = Authority::load(branch, branch_key, HashAlgorithm::Sha256).unwrap();
        let leaf = issued(&branch, &request(&key, "bank", &["bank.example"]));
        for (file, certificate) in
            [("leaf.pem", &leaf), ("branch.pem", branch.certificate()), ("root.pem", root.certificate())]
        {
            openssl.write(file, certificate.to_pem());
        }
        openssl.write("key.pem", key.to_pem(None, &RANDOM).unwrap().expose());
        openssl.write("password", PASSWORD);
        let chain = vec![leaf, branch.certificate().clone(), root.certificate().clone()];
        let identity = Identity::new(otls::pki::Chain::new(chain).unwrap(), key).unwrap();
        Some(Self { openssl, identity, root })
    }

    /// What `openssl pkcs12 -export` makes of the files `others` and the key, under the password.
    #[track_caller]
    fn exported(&self, options: &str, others: &[&str]) -> Vec<u8> {
        let others: Vec<u8> = others.iter().flat_map(|file| self.openssl.read(file)).collect();
        self.openssl.write("others.pem", others);
        self.openssl.ok(&format!(
            "pkcs12 -export -inkey key.pem -in others.pem -passout file:password -out file.p12 {options}"
        ));
        self.openssl.read("file.p12")
    }

    #[track_caller]
    fn is_loaded(&self, file: &[u8], password: &[u8]) {
        let loaded = Identity::load(file, Some(password)).unwrap();
        assert_eq!(loaded.chain(), self.identity.chain());
        assert_eq!(loaded.key().public_key(), self.identity.key().public_key());
    }
}

fn issued(authority: &Authority, request: &CertificateRequest) -> Certificate {
    authority.issue(request, Profile::Server, Validity::new(NOW, DAY), &RANDOM).unwrap()
}

#[track_caller]
fn error_of(file: &[u8], password: Option<&[u8]>) -> Error {
    Identity::load(file, password).expect_err("the file was loaded")
}

const ALL: &[&str] = &["leaf.pem", "branch.pem", "root.pem"];

#[test]
fn what_openssl_writes_in_each_way_loads_as_an_identity() {
    for key in [ec_key(), rsa_key()] {
        let Some(bank) = Bank::new(key) else { return };
        for options in [
            "",
            "-iter 1 -nomaciter",
            "-macalg sha1",
            "-macalg sha224",
            "-macalg sha384",
            "-macalg sha512",
            "-keypbe aes-128-cbc -certpbe aes-192-cbc",
            "-keypbe des-ede3-cbc -certpbe des-ede3-cbc",
            "-keypbe NONE -certpbe NONE",
            "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES",
            "-legacy",
            "-legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-128",
            "-name bank -caname Branch",
            "-CSP provider -keysig",
        ] {
            let file = bank.exported(options, ALL);
            bank.is_loaded(&file, PASSWORD);
            for wrong in [b"wrong".as_slice(), b"", &PASSWORD[..PASSWORD.len() - 4]] {
                assert_eq!(error_of(&file, Some(wrong)), Error::Key(KeyError::WrongPassword), "{options}");
            }
            assert_eq!(error_of(&file, None), Error::Key(KeyError::PasswordRequired), "{options}");
        }
    }
}

#[test]
fn openssl_reads_what_is_written() {
    for key in [ec_key(), rsa_key()] {
        let Some(bank) = Bank::new(key) else { return };
        for (options, name) in [
            (Pkcs12Options::new().with_friendly_name("bank of Goa"), "friendlyName: bank of Goa"),
            (Pkcs12Options::default(), "localKeyID: "),
        ] {
            let file = bank.identity.to_pkcs12(PASSWORD, &options, &RANDOM).unwrap();
            bank.is_loaded(&file, PASSWORD);
            bank.openssl.write("ours.p12", &file);
            let text = bank.openssl.ok("pkcs12 -in ours.p12 -passin file:password -nodes -info -out all.pem");
            for part in ["MAC: sha256, Iteration 200000", "MAC length: 32, salt length: 16"] {
                assert!(text.contains(part), "{text}");
            }
            let encryption = "PBES2, PBKDF2, AES-256-CBC, Iteration 200000, PRF hmacWithSHA256";
            assert_eq!(text.matches(encryption).count(), 2, "{text}");
            // The leaf and the key have the name and one identifier, and the authorities have neither.
            let all = String::from_utf8(bank.openssl.read("all.pem")).unwrap();
            assert_eq!(all.matches(name).count(), 2, "{all}");
            assert_eq!(all.matches("localKeyID: ").count(), 2, "{all}");
            let again = Identity::load(all.as_bytes(), None).unwrap();
            assert_eq!(again.chain(), bank.identity.chain());
            bank.openssl.fails("pkcs12 -in ours.p12 -passin pass:wrong -nodes");
        }
    }
}

#[test]
fn pbmac1_is_read_and_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/pkcs12");
    // RFC 9579 appendix A: HMAC and PRF of SHA-256, of SHA-256 and SHA-512, of SHA-512; then what is wrong.
    for (vector, refused) in [
        (1, None),
        (2, None),
        (3, None),
        (4, Some(KeyError::WrongPassword)),
        (5, Some(KeyError::WrongPassword)),
        (6, Some(KeyError::Malformed("its MAC names no key of 20 octets or more"))),
    ] {
        let file = fs::read(folder.join(format!("rfc9579_a{vector}.p12"))).unwrap();
        let loaded = Identity::load(&file, Some(b"1234"));
        assert_eq!(loaded.err(), refused.map(Error::Key), "A.{vector}");
        let wrong = Identity::load(&file, Some(b"12345")).err();
        assert!(wrong.is_some(), "A.{vector}");
    }
    let identity = identity();
    let options = Pkcs12Options::new().with_mac(Pkcs12Mac::Pbmac1).with_friendly_name("bank");
    let file = identity.to_pkcs12(PASSWORD, &options, &RANDOM).unwrap();
    assert_eq!(Identity::load(&file, Some(PASSWORD)).unwrap().chain(), identity.chain());
    assert_eq!(error_of(&file, Some(b"wrong")), Error::Key(KeyError::WrongPassword));
    let store = Pkcs12::load(&file, PASSWORD).unwrap();
    assert_eq!(store.friendly_name(), Some("bank"));
    assert_eq!(store.key().unwrap().public_key(), identity.key().public_key());
}

/// An identity with no authority behind its leaf.
fn identity() -> Identity {
    let key = ec_key();
    let leaf = issued(&CA, &request(&key, "bank", &["bank.example"]));
    Identity::new(leaf.into(), key).unwrap()
}

#[test]
fn a_file_without_a_mac_is_refused_and_openssl_mends_it() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    let file = bank.exported("-nomac", ALL);
    for password in [PASSWORD, b""] {
        let error = error_of(&file, Some(password));
        assert!(error.to_string().contains("it has no MAC"), "{error}");
        assert!(matches!(error, Error::Key(KeyError::UnsupportedPkcs12(_))));
        is_mended_by_openssl(&bank, &file, &error);
    }
    // Not even where nothing in it is encrypted.
    let error = error_of(&bank.exported("-nomac -keypbe NONE -certpbe NONE", ALL), Some(b""));
    assert!(error.to_string().contains("it has no MAC"), "{error}");
}

#[test]
fn ber_is_refused_and_openssl_mends_it() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    let file = bank.exported("", ALL);
    for ber in [open_ended(&file), in_pieces(&file)] {
        let error = error_of(&ber, Some(PASSWORD));
        assert!(error.to_string().contains("BER"), "{error}");
        is_mended_by_openssl(&bank, &ber, &error);
    }
}

/// The command of the hint, with passwords for its questions, makes a file that loads.
#[track_caller]
fn is_mended_by_openssl(bank: &Bank, file: &[u8], error: &Error) {
    let hint = error.hint();
    let (_, command) = hint.split_once('\'').unwrap();
    let command = command.strip_suffix('\'').unwrap();
    assert!(command.contains("openssl pkcs12 -export"), "{hint}");
    let command = command.replace("-in ", "-passin file:password -in ");
    let command = command.replace("-out ", "-passout file:new -out ");
    // Of one file for both OpenSSL takes the second line for the other.
    bank.openssl.write("new", PASSWORD);
    bank.openssl.write("OLD.p12", file);
    let mut shell = std::process::Command::new("sh");
    let done = shell.arg("-c").arg(&command).current_dir(bank.openssl.dir()).output().unwrap();
    assert!(done.status.success(), "{command}\n{}", String::from_utf8_lossy(&done.stderr));
    bank.is_loaded(&bank.openssl.read("NEW.p12"), PASSWORD);
}

/// The header and the content of an element with a length of two octets.
fn content(der: &[u8]) -> &[u8] {
    assert_eq!(der[1], 0x82, "{:02X?}", &der[..4]);
    let len = usize::from(u16::from_be_bytes([der[2], der[3]]));
    &der[4..4 + len]
}

/// The octets of a file's content, and what stands behind it.
fn parts(file: &[u8]) -> (&[u8], &[u8]) {
    let info = &content(file)[3..];
    let explicit = &content(info)[11..];
    (content(content(explicit)), &content(file)[3 + 4 + content(info).len()..])
}

const DATA: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01";

/// The same file, with lengths left open.
fn open_ended(file: &[u8]) -> Vec<u8> {
    let (octets, mac) = parts(file);
    let piece = der(0x04, octets);
    let info = [b"\x30\x80", DATA, b"\xA0\x80\x24\x80", &piece, &[0; 6]].concat();
    [b"\x30\x80\x02\x01\x03", info.as_slice(), mac, &[0; 2]].concat()
}

/// The same file, its content in two pieces, with lengths.
fn in_pieces(file: &[u8]) -> Vec<u8> {
    let (octets, mac) = parts(file);
    let (first, second) = octets.split_at(100);
    let pieces = der(0x24, &[der(0x04, first), der(0x04, second)].concat());
    let info = der(0x30, &[DATA, &der(0xA0, &pieces)].concat());
    der(0x30, &[b"\x02\x01\x03", info.as_slice(), mac].concat())
}

/// One element.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, middle, low] = content.len().to_be_bytes();
    let header = match content.len() {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        0x100..=0xFFFF => vec![tag, 0x82, middle, low],
        _ => vec![tag, 0x83, high, middle, low],
    };
    [header.as_slice(), content].concat()
}

#[test]
fn encryption_that_is_not_read_is_named() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    for (options, named) in [
        ("-legacy -keypbe PBE-SHA1-RC4-128", "RC4"),
        ("-legacy -certpbe PBE-SHA1-RC4-128", "RC4"),
        ("-keypbe PBE-SHA1-2DES", "double DES"),
        ("-certpbe camellia-256-cbc", "1.2.392"),
        ("-macalg md5", "1.2.840.113549.2.5"),
    ] {
        let error = error_of(&bank.exported(options, ALL), Some(PASSWORD));
        assert!(
            matches!(&error, Error::Key(KeyError::UnsupportedPkcs12(what)) if what.contains(named)),
            "{error}"
        );
        assert!(error.hint().contains("openssl pkcs12 -export"));
    }
}

#[test]
fn certificates_may_stand_in_any_order() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    for others in [
        ["root.pem", "branch.pem", "leaf.pem"],
        ["branch.pem", "leaf.pem", "root.pem"],
        ["root.pem", "leaf.pem", "branch.pem"],
    ] {
        let others: Vec<u8> = others.iter().flat_map(|file| bank.openssl.read(file)).collect();
        bank.openssl.write("others.pem", others);
        // Without its key OpenSSL writes certificates as they come.
        bank.openssl.ok("pkcs12 -export -nokeys -in others.pem -passout file:password -out file.p12");
        let store = Pkcs12::load(&bank.openssl.read("file.p12"), PASSWORD).unwrap();
        assert_eq!(store.certificates().unwrap().len(), 3);
    }
    bank.is_loaded(&bank.exported("", &["root.pem", "leaf.pem", "branch.pem"]), PASSWORD);
    // The root may be left out, and may come twice.
    let chain = Identity::load(&bank.exported("", &["branch.pem", "leaf.pem"]), Some(PASSWORD)).unwrap();
    assert_eq!(chain.chain()[..], bank.identity.chain()[..2]);
    bank.is_loaded(&bank.exported("", &["leaf.pem", "root.pem", "branch.pem", "root.pem"]), PASSWORD);
}

#[test]
fn a_certificate_that_is_not_in_the_chain_is_refused_by_name_and_read_as_a_store() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    bank.openssl.write("other.pem", OTHER_CA.certificate().to_pem());
    let file = bank.exported("", &["other.pem", "leaf.pem", "branch.pem"]);
    let error = error_of(&file, Some(PASSWORD));
    assert!(matches!(error, Error::Certificate(CertificateError::Excess(_))), "{error}");
    for word in ["Other CA", "Pkcs12"] {
        assert!(error.to_string().contains(word), "{error}");
    }
    let store = Pkcs12::load(&file, PASSWORD).unwrap();
    let subjects: Vec<String> =
        store.certificates().unwrap().iter().map(|one| one.subject().common_name().to_owned()).collect();
    assert_eq!(subjects, ["bank", "Branch", "Other CA"]);
    // A gap in the chain leaves the root outside.
    let error = error_of(&bank.exported("", &["leaf.pem", "root.pem"]), Some(PASSWORD));
    assert!(error.to_string().contains("Root"), "{error}");
}

#[test]
fn the_identifier_of_the_key_chooses_among_its_certificates() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    // OpenSSL ties the first certificate of the key to it; the second is one for another name.
    let renewed = issued(&bank.root, &request(bank.identity.key(), "renewed", &["bank.example"]));
    bank.openssl.write("renewed.pem", renewed.to_pem());
    for (others, first) in [(["renewed.pem", "leaf.pem"], "renewed"), (["leaf.pem", "renewed.pem"], "bank")] {
        let file = bank.exported("", &others);
        let store = Pkcs12::load(&file, PASSWORD).unwrap();
        assert_eq!(store.certificates().unwrap()[0].subject().common_name(), first);
        assert!(matches!(error_of(&file, Some(PASSWORD)), Error::Certificate(CertificateError::Excess(_))));
    }
}

#[test]
fn of_two_authorities_of_one_name_the_one_whose_key_is_named_is_taken() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    let (old, new) = (authority("Twice"), authority("Twice"));
    let leaf = issued(&new, &request(bank.identity.key(), "bank", &["bank.example"]));
    bank.openssl.write("leaf.pem", leaf.to_pem());
    for (file, of) in [("old.pem", &old), ("new.pem", &new)] {
        bank.openssl.write(file, of.certificate().to_pem());
    }
    for others in [["leaf.pem", "old.pem", "new.pem"], ["leaf.pem", "new.pem", "old.pem"]] {
        let store = Pkcs12::load(&bank.exported("", &others), PASSWORD).unwrap();
        let expected = [leaf.clone(), new.certificate().clone(), old.certificate().clone()];
        assert_eq!(store.certificates().unwrap(), expected);
    }
}

#[test]
fn a_trust_store_has_no_key_and_is_no_identity() {
    let Some(bank) = Bank::new(ec_key()) else { return };
    bank.openssl.ok("req -x509 -newkey ed448 -nodes -keyout ed.key -out ed.pem -subj /CN=modern");
    let all = ["root.pem", "ed.pem"].iter().flat_map(|file| bank.openssl.read(file)).collect::<Vec<_>>();
    bank.openssl.write("all.pem", all);
    bank.openssl.ok("pkcs12 -export -nokeys -in all.pem -passout pass:changeit -out trust.p12");
    let file = bank.openssl.read("trust.p12");
    let store = Pkcs12::load(&file, b"changeit").unwrap();
    assert!(store.key().is_none() && store.friendly_name().is_none());
    assert!(matches!(store.certificates(), Err(Error::Key(KeyError::UnsupportedAlgorithm(_)))));
    let (authorities, left_out) = store.authorities().unwrap();
    assert_eq!(authorities, [bank.root.certificate().clone()]);
    assert!(left_out[0].contains("CN=modern"), "{left_out:?}");

    bank.openssl.ok("pkcs12 -export -nokeys -in root.pem -passout pass:changeit -out trust.p12");
    let error = error_of(&bank.openssl.read("trust.p12"), Some(b"changeit"));
    assert!(
        matches!(&error, Error::Key(KeyError::NotAKey(why)) if why.what().contains("without a private key"))
    );
    bank.openssl.ok("pkcs12 -export -nocerts -inkey key.pem -passout pass:changeit -out key.p12");
    let error = error_of(&bank.openssl.read("key.p12"), Some(b"changeit"));
    assert!(matches!(error, Error::Certificate(CertificateError::NotFound(_))), "{error}");
    assert!(Pkcs12::load(&bank.openssl.read("key.p12"), b"changeit").unwrap().key().is_some());
}

#[test]
fn a_key_with_a_certificate_of_another_is_refused() {
    let (one, other) = (identity(), identity());
    let file = one.to_pkcs12(PASSWORD, &Pkcs12Options::new(), &RANDOM).unwrap();
    let theirs = other.to_pkcs12(PASSWORD, &Pkcs12Options::new(), &RANDOM).unwrap();
    assert_eq!(Identity::load(&file, Some(PASSWORD)).unwrap().chain(), one.chain());
    let mixed = crate::pkcs12_hostile::mixed(&one, &other);
    assert_eq!(error_of(&mixed, Some(b"")), Error::Key(KeyError::CertificateMismatch));
    assert!(file != theirs);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let identity = identity();
    let written = |password: &[u8]| identity.to_pkcs12(password, &Pkcs12Options::new(), &RANDOM);
    for password in [b"".as_slice(), b"\xFF"] {
        assert!(matches!(written(password), Err(Error::ApiMisuse(_))));
    }
    assert!(matches!(Pkcs12::load(&written(b"x").unwrap(), b"\xFF"), Err(Error::ApiMisuse(_))));
    // Salts, IVs and the MAC's salt are new each time, and ours.
    let (one, two) = (written(b"x").unwrap(), written(b"x").unwrap());
    assert!(one.iter().zip(&two).filter(|(a, b)| a != b).count() > 500);
    for answers in 0..6 {
        let random = crate::pkcs12_hostile::Failing::after(answers);
        let written = identity.to_pkcs12(b"x", &Pkcs12Options::new(), &random);
        assert_eq!(written.is_err(), answers < 5, "{answers}");
        assert!(written.is_ok() || written == Err(Error::Random), "{answers}");
    }
}

/// The files of PyPI's `cryptography-vectors`, which `make test` installs: those of OpenSSL 1, Java and others.
#[test]
fn each_file_of_cryptography_opens() {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("venv/lib");
    let inside = "site-packages/cryptography_vectors/pkcs12";
    let versions = fs::read_dir(venv).into_iter().flatten();
    let Some(folder) = versions.map(|one| one.unwrap().path().join(inside)).find(|one| one.is_dir()) else {
        println!("skipped: no PKCS#12 files; `make test` installs them");
        return;
    };
    let mut opened = 0;
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|ending| ending != "p12") {
            continue;
        }
        let file = fs::read(&path).unwrap();
        let passwords = [b"".as_slice(), b"password", b"cryptography"];
        let mut stores = passwords.iter().filter_map(|password| Pkcs12::load(&file, password).ok());
        let store = stores.next().unwrap_or_else(|| panic!("{}", path.display()));
        // Java's store has an authority with a DSA key.
        assert!(store.certificates().is_ok() || store.authorities().is_ok(), "{}", path.display());
        opened += 1;
    }
    assert!(opened >= 31, "{opened}");
}
