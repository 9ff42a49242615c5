//! Paths over PKIs that OpenSSL made: intermediates, usages, constraints, algorithms.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm
)]

use crate::support::*;
use otls::Error;
use otls::crypto::hash::HashAlgorithm;
use otls::error::{CertificateError, Check};
use otls::pki::{
    Authority, AuthorityTerms, Certificate, KeyType, PeerRole, PrivateKey, Profile, TrustStore, Validity,
};

const CLIENT: PeerRole = PeerRole::Client;

#[test]
fn a_leaf_that_signs_is_no_authority() {
    let mallory_key = ec_key();
    let mallory = CA
        .issue(&request(&mallory_key, "mallory", &[]), Profile::Client, Validity::new(NOW, DAY), &RANDOM)
        .unwrap();
    assert!(matches!(
        TrustStore::new().add_authority(&mallory),
        Err(Error::Certificate(CertificateError::NotAuthority(_)))
    ));
    let Some(openssl) = openssl() else { return };
    openssl.write("key.pem", mallory_key.to_pem(None, &RANDOM).unwrap().expose());
    openssl.write("mallory.pem", mallory.to_pem());
    let forged = openssl_leaf(&openssl, "mallory.pem", "key.pem", "extendedKeyUsage=clientAuth");
    refused(
        &trust(&[CA.certificate()]),
        &chain(&[&forged, &mallory]),
        &CLIENT,
        NOW,
        Check::BasicConstraints,
        &["not an authority"],
    );
}

/// A leaf for a new P-256 key, valid around [`NOW`], with these extensions, signed by `openssl ca`.
fn openssl_leaf(openssl: &OpenSsl, ca: &str, key: &str, extensions: &str) -> Certificate {
    openssl_certificate(openssl, ca, key, "leaf", extensions)
}

/// Writes NAME.pem and NAME-key.pem.
fn openssl_certificate(openssl: &OpenSsl, ca: &str, key: &str, name: &str, extensions: &str) -> Certificate {
    openssl.ok(&format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}-key.pem"));
    openssl.ok(&format!("req -new -key {name}-key.pem -subj /CN={name} -out {name}-csr.pem"));
    openssl.write("index.txt", "");
    openssl.write(
        "ca.cnf",
        format!(
            "[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\npolicy=p\n\
             default_md=sha256\n[p]\ncommonName=supplied\n[e]\n{extensions}\n"
        ),
    );
    openssl.ok(&format!(
        "ca -batch -config ca.cnf -extensions e -cert {ca} -keyfile {key} -in {name}-csr.pem \
         -startdate 20460119000000Z -enddate 20460124000000Z -notext -out {name}.pem"
    ));
    Certificate::load(&openssl.read(&format!("{name}.pem"))).unwrap()
}

/// `openssl` with the root of a PKI of its own in root.pem and root-key.pem.
fn openssl_root(extensions: &str) -> Option<(OpenSsl, Certificate)> {
    let openssl = openssl()?;
    openssl.ok("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out self.pem");
    openssl.ok("req -new -x509 -key self.pem -subj /CN=self -days 1 -out self-cert.pem");
    openssl.ok(&format!(
        "req -new -x509 -key self.pem -subj /CN=root -days 36500 -addext {extensions} -out root.pem"
    ));
    openssl.write("root-key.pem", openssl.read("self.pem"));
    let root = Certificate::load(&openssl.read("root.pem")).unwrap();
    Some((openssl, root))
}

const CA_EXTENSIONS: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign";
const LEAF_EXTENSIONS: &str = "extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature";

#[test]
fn chains_with_intermediates_are_built_in_any_order() {
    let Some((openssl, root)) = openssl_root("keyUsage=critical,keyCertSign,cRLSign") else { return };
    let one = openssl_certificate(&openssl, "root.pem", "root-key.pem", "one", CA_EXTENSIONS);
    let two = openssl_certificate(&openssl, "one.pem", "one-key.pem", "two", CA_EXTENSIONS);
    let leaf = openssl_leaf(&openssl, "two.pem", "two-key.pem", LEAF_EXTENSIONS);
    let store = trust(&[&root]);
    for sent in [[&leaf, &two, &one], [&leaf, &one, &two]] {
        assert!(store.judge(&chain(&sent), &CLIENT, NOW).is_ok());
    }
    assert!(store.judge(&chain(&[&leaf, CA.certificate(), &two, &one, &root]), &CLIENT, NOW).is_ok());
    // Without one, the reason names whom it misses.
    let report = refused(&store, &chain(&[&leaf, &two]), &CLIENT, NOW, Check::Issuer, &["issuer CN=one"]);
    assert_eq!(report.depth(), 1);
    // A trusted intermediate ends the path.
    assert!(trust(&[&two]).judge(&chain(&[&leaf]), &CLIENT, NOW).is_ok());
}

#[test]
fn a_path_length_is_kept_by_intermediates_and_by_the_trusted_authority() {
    let Some((openssl, root)) =
        openssl_root("keyUsage=critical,keyCertSign -addext basicConstraints=critical,CA:TRUE,pathlen:0")
    else {
        return;
    };
    let constraints = root.to_pem();
    let one = openssl_certificate(&openssl, "root.pem", "root-key.pem", "one", CA_EXTENSIONS);
    let leaf = openssl_leaf(&openssl, "one.pem", "one-key.pem", LEAF_EXTENSIONS);
    let store = trust(&[&Certificate::load(constraints.as_bytes()).unwrap()]);
    refused(
        &store,
        &chain(&[&leaf, &one]),
        &CLIENT,
        NOW,
        Check::PathLength,
        &["the trusted authority: it allows 0 authorities below it, the chain has 1"],
    );

    let pathlen_0 = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign";
    let Some((openssl, root)) = openssl_root("keyUsage=critical,keyCertSign") else { return };
    let one = openssl_certificate(&openssl, "root.pem", "root-key.pem", "one", pathlen_0);
    let two = openssl_certificate(&openssl, "one.pem", "one-key.pem", "two", CA_EXTENSIONS);
    let leaf = openssl_leaf(&openssl, "two.pem", "two-key.pem", LEAF_EXTENSIONS);
    let sent = chain(&[&leaf, &two, &one]);
    let report = refused(&trust(&[&root]), &sent, &CLIENT, NOW, Check::PathLength, &["it allows 0"]);
    assert_eq!(report.depth(), 2);
}

#[test]
fn usages_of_intermediates_are_kept() {
    let Some((openssl, root)) = openssl_root("keyUsage=critical,keyCertSign") else { return };
    let store = trust(&[&root]);
    for (extensions, check, word) in [
        ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign", Check::KeyUsage, "keyCertSign"),
        (
            "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth",
            Check::ExtendedKeyUsage,
            "clientAuth",
        ),
        ("keyUsage=critical,digitalSignature", Check::BasicConstraints, "not an authority"),
        ("keyUsage=critical,keyCertSign", Check::Format, "BasicConstraints do not say CA"),
    ] {
        let one = openssl_certificate(&openssl, "root.pem", "root-key.pem", "one", extensions);
        let leaf = openssl_leaf(&openssl, "one.pem", "one-key.pem", LEAF_EXTENSIONS);
        let report = refused(&store, &chain(&[&leaf, &one]), &CLIENT, NOW, check, &[word]);
        assert_eq!(report.depth(), 1);
    }
}

#[test]
fn usages_of_the_leaf_are_kept() {
    let Some((openssl, root)) = openssl_root("keyUsage=critical,keyCertSign") else { return };
    let store = trust(&[&root]);
    for (extensions, refusal) in [
        ("extendedKeyUsage=clientAuth", None),
        ("extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature,keyEncipherment", None),
        (
            "extendedKeyUsage=clientAuth\nkeyUsage=keyEncipherment",
            Some((Check::KeyUsage, "digitalSignature")),
        ),
        (
            "keyUsage=digitalSignature",
            Some((Check::ExtendedKeyUsage, "no ExtendedKeyUsage, clientAuth is needed")),
        ),
        (
            "extendedKeyUsage=anyExtendedKeyUsage",
            Some((Check::ExtendedKeyUsage, "anyExtendedKeyUsage, not clientAuth")),
        ),
        ("extendedKeyUsage=1.2.3.4", Some((Check::ExtendedKeyUsage, "another purpose"))),
        (
            "extendedKeyUsage=clientAuth\n1.2.3.4=critical,ASN1:NULL",
            Some((Check::Format, "critical extension")),
        ),
        (
            "extendedKeyUsage=clientAuth\nbasicConstraints=CA:TRUE",
            Some((Check::BasicConstraints, "authority")),
        ),
    ] {
        let leaf = openssl_leaf(&openssl, "root.pem", "root-key.pem", extensions);
        match refusal {
            None => assert!(store.judge(&chain(&[&leaf]), &CLIENT, NOW).is_ok(), "{extensions}"),
            Some((check, word)) => {
                refused(&store, &chain(&[&leaf]), &CLIENT, NOW, check, &[word]);
            }
        }
    }
}

#[test]
fn a_critical_extension_that_nobody_knows_is_named_where_it_stands() {
    let Some((openssl, root)) = openssl_root("keyUsage=critical,keyCertSign") else { return };
    let unknown = format!("{CA_EXTENSIONS}\n1.2.3.4=critical,ASN1:NULL");
    let one = openssl_certificate(&openssl, "root.pem", "root-key.pem", "one", &unknown);
    let leaf = openssl_leaf(&openssl, "one.pem", "one-key.pem", LEAF_EXTENSIONS);
    let store = trust(&[&root, CA.certificate()]);
    let sent = chain(&[&leaf, &one]);
    let report = refused(&store, &sent, &CLIENT, NOW, Check::Format, &["critical extension"]);
    assert_eq!(report.depth(), 1);
    // Where it is not needed it does no harm.
    assert!(store.judge(&chain(&[&client(&CA, "alice"), &one]), &CLIENT, NOW).is_ok());
}

#[test]
fn name_constraints_of_an_intermediate_are_kept() {
    let Some((openssl, root)) = openssl_root("keyUsage=critical,keyCertSign") else { return };
    let constrained = format!("{CA_EXTENSIONS}\nnameConstraints=critical,permitted;DNS:good.example");
    let one = openssl_certificate(&openssl, "root.pem", "root-key.pem", "one", &constrained);
    let leaf = |dns: &str| {
        let extensions = format!("extendedKeyUsage=serverAuth\nsubjectAltName=DNS:{dns}");
        openssl_leaf(&openssl, "one.pem", "one-key.pem", &extensions)
    };
    let (good, evil) = (leaf("a.good.example"), leaf("a.evil.example"));
    let store = trust(&[&root]);
    assert!(store.judge(&chain(&[&good, &one]), &as_server("a.good.example"), NOW).is_ok());
    let evil = chain(&[&evil, &one]);
    refused(&store, &evil, &as_server("a.evil.example"), NOW, Check::NameConstraints, &["outside"]);
}

#[test]
fn signature_algorithms_of_openssl_verify_and_old_ones_do_not() {
    let Some(openssl) = openssl() else { return };
    openssl.write("rsa.pem", rsa_key().to_pem(None, &RANDOM).unwrap().expose());
    let p384 = PrivateKey::generate(KeyType::EcdsaP384, &RANDOM).unwrap();
    openssl.write("p256.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.write("p384.pem", p384.to_pem(None, &RANDOM).unwrap().expose());
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen";
    for (options, accepted) in [
        ("-CAkey rsa.pem -sha256".to_owned(), true),
        ("-CAkey rsa.pem -sha384".to_owned(), true),
        ("-CAkey rsa.pem -sha512".to_owned(), true),
        (format!("-CAkey rsa.pem -sha256 {pss}:32"), true),
        (format!("-CAkey rsa.pem -sha384 {pss}:48"), true),
        ("-CAkey p256.pem -sha256".to_owned(), true),
        ("-CAkey p256.pem -sha384".to_owned(), true),
        ("-CAkey p384.pem -sha256".to_owned(), true),
        ("-CAkey p384.pem -sha384".to_owned(), true),
        ("-CAkey rsa.pem -sha1".to_owned(), false),
        ("-CAkey rsa.pem -md5".to_owned(), false),
        ("-CAkey p256.pem -sha1".to_owned(), false),
        (format!("-CAkey rsa.pem -sha256 {pss}:20"), true),
    ] {
        let key = options.split_whitespace().nth(1).unwrap();
        openssl.ok(&format!(
            "req -new -x509 -key {key} -subj /CN=root -days 36500 -addext keyUsage=critical,keyCertSign -out root.pem"
        ));
        openssl.write("csr.pem", request(&ec_key(), "alice", &[]).to_pem());
        openssl.write("leaf.cnf", "extendedKeyUsage=clientAuth\n");
        openssl.ok(&format!(
            "x509 -req -in csr.pem -CA root.pem {options} -days 36000 -extfile leaf.cnf -CAcreateserial -out leaf.pem"
        ));
        let root = Certificate::load(&openssl.read("root.pem")).unwrap();
        let leaf = Certificate::load(&openssl.read("leaf.pem")).unwrap();
        let (store, now) = (trust(&[&root]), leaf.not_before().plus(HOUR));
        if accepted {
            let verified = store.judge(&chain(&[&leaf]), &CLIENT, now);
            assert!(verified.is_ok(), "{options}: {}", verified.err().unwrap());
        } else {
            refused(&store, &chain(&[&leaf]), &CLIENT, now, Check::Signature, &["not accepted"]);
        }
    }
}

#[test]
fn authorities_that_all_vouch_for_each_other_do_not_keep_the_verifier_busy() {
    // One key and one name: each has signed each, in 8! orders.
    let key = std::sync::Arc::new(ec_key());
    let ring: Vec<Authority> = (0..9)
        .map(|_| {
            let key = std::sync::Arc::clone(&key);
            Authority::create(
                key,
                &name("Ring"),
                HashAlgorithm::Sha256,
                AuthorityTerms::new(Validity::new(NOW, YEAR)).with_path_len(9),
                &RANDOM,
            )
            .unwrap()
        })
        .collect();
    let alice = client(&ring[0], "alice");
    let sent: Vec<&Certificate> =
        core::iter::once(&alice).chain(ring.iter().map(Authority::certificate)).collect();
    let begun = std::time::Instant::now();
    refused(&trust(&[CA.certificate()]), &chain(&sent), &CLIENT, NOW, Check::Budget, &["candidate paths"]);
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    let trusted = trust(&[ring[8].certificate()]);
    assert!(trusted.judge(&chain(&sent), &CLIENT, NOW).is_ok());
}
