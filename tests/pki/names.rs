//! Subjects from a request to a certificate: whole, or refused.

use std::sync::Arc;

use otls::error::{CertificateError, Error, ErrorCode};
use otls::pki::{
    Authority, AuthorityTerms, Certificate, CertificateRequest, DistinguishedName, GeneralName,
    MAX_REQUEST_NAMES, Profile, TrustStore, Validity,
};
use otls::{ClientConfig, Connection};

use crate::support::*;

fn issue(request: &CertificateRequest, profile: Profile) -> otls::Result<Certificate> {
    CA.issue(request, profile, Validity::new(NOW, DAY), &RANDOM)
}

#[track_caller]
fn is_refused(result: otls::Result<Certificate>, word: &str) {
    match result {
        Err(Error::Certificate(CertificateError::Refused(why) | CertificateError::BadName(why))) => {
            assert!(why.contains(word), "{why}");
        }
        Err(error) => panic!("{error}"),
        Ok(certificate) => panic!("issued: {certificate:?}"),
    }
}

/// A request that openssl makes of these options.
fn asked(openssl: &OpenSsl, options: &str) -> CertificateRequest {
    openssl.write("key.pem", ec_key().to_pem(None, &RANDOM).unwrap().expose());
    openssl.ok(&format!("req -new -key key.pem {options} -out csr.pem"));
    CertificateRequest::load(&openssl.read("csr.pem")).unwrap()
}

#[test]
fn a_subject_is_issued_octet_for_octet_whatever_its_attributes() {
    let Some(openssl) = openssl() else { return };
    for subject in [
        "/O=Example/OU=A/OU=B/CN=two",
        "/DC=example/DC=corp/OU=Servers/CN=dc1",
        "/CN=Asha/UID=1001",
        "/CN=Asha+UID=1001+serialNumber=7/O=Example",
        "/C=IN/title=Dr/GN=Asha/SN=Rao/initials=A/pseudonym=x/dnQualifier=y/street=z/postalCode=403001/CN=a",
        "/house=x/CN=a/emailAddress=a@b.example",
        "/CN=a/description=b/businessCategory=c/organizationIdentifier=d",
    ] {
        for strings in ["utf8only", "nombstr", "default"] {
            openssl.write("req.cnf", format!("oid_section=o\n[o]\nhouse=1.2.3.4\n[req]\nstring_mask={strings}\ndistinguished_name=dn\n[dn]\n"));
            let request = asked(
                &openssl,
                &format!("-config req.cnf -subj {subject} -addext subjectAltName=DNS:a.example"),
            );
            let certificate = issue(&request, Profile::Server).unwrap();
            assert_eq!(certificate.subject(), request.subject());
            assert_eq!(certificate.subject_der(), request.subject().to_der(), "{subject} {strings}");
            assert_eq!(certificate.subject().attributes().len(), subject.matches('=').count());
            openssl.write("cert.pem", certificate.to_pem());
            let shown = |what: &str| {
                let text = openssl.ok(&format!("{what} -noout -subject -nameopt multiline"));
                text.split_once('\n').unwrap().1.to_owned()
            };
            assert_eq!(shown("req -in csr.pem"), shown("x509 -in cert.pem"), "{subject}");
        }
    }
}

#[test]
fn two_people_of_one_common_name_are_two() {
    let person = |uid: &str| {
        let mut name = DistinguishedName::with_common_name("Asha");
        name.add("UID", uid).unwrap();
        let request = CertificateRequest::create(
            &ec_key(),
            &name,
            &[],
            otls::crypto::hash::HashAlgorithm::Sha256,
            &RANDOM,
        );
        let certificate = issue(&request.unwrap(), Profile::Client).unwrap();
        Certificate::load(certificate.to_pem().as_bytes()).unwrap()
    };
    assert_eq!(person("1001").subject(), person("1001").subject());
    assert_ne!(person("1001").subject(), person("2002").subject());
    assert_eq!(person("2002").subject().values("UID"), ["2002"]);
}

#[test]
fn what_cannot_be_issued_as_asked_is_refused() {
    let Some(openssl) = openssl() else { return };
    for (options, word) in [
        ("otherName:1.3.6.1.4.1.311.20.2.3;UTF8:asha@corp.example", "user principal name"),
        ("otherName:1.2.3.4;UTF8:asha,DNS:a.example", "otherName 1.2.3.4"),
        ("RID:1.2.3.4,DNS:a.example", "registeredID 1.2.3.4"),
    ] {
        let request = asked(&openssl, &format!("-subj /CN=asha -addext subjectAltName={options}"));
        is_refused(issue(&request, Profile::Client), word);
        is_refused(issue(&request, Profile::Server), word);
    }
    openssl.write(
        "req.cnf",
        "[req]\ndistinguished_name=dn\n[dn]\n[ext]\nsubjectAltName=dirName:other\n[other]\nCN=x\n",
    );
    let request = asked(&openssl, "-config req.cnf -subj /CN=asha -reqexts ext");
    is_refused(issue(&request, Profile::Client), "directoryName");
    for extension in ["tlsfeature=status_request", "1.2.3.4=DER:0500", "1.2.3.4=critical,DER:0500"] {
        let request = asked(&openssl, &format!("-subj /CN=asha -addext {extension}"));
        is_refused(issue(&request, Profile::Client), "an extension that is not issued");
    }
    let names = asked(&openssl, "-subj /CN=branch -addext subjectAltName=DNS:a.example");
    let (key, hash) = (ec_key(), otls::crypto::hash::HashAlgorithm::Sha256);
    let root = Authority::create(
        key,
        &name("Root"),
        hash,
        AuthorityTerms::new(Validity::new(NOW, DAY)).with_path_len(1),
        &RANDOM,
    )
    .unwrap();
    let branch = root.issue(&names, Profile::Ca { path_len: 0 }, Validity::new(NOW, DAY), &RANDOM).unwrap();
    assert_eq!(names.left_out_of(&branch), ["subjectAltName a.example"], "an authority has none: it is said");
    is_refused(issue(&asked(&openssl, "-subj /CN=asha/CN=ravi"), Profile::Client), "two common names");
    openssl.write("req.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
    is_refused(issue(&asked(&openssl, "-config req.cnf -subj /"), Profile::Client), "empty");
}

#[test]
fn what_the_profile_decides_otherwise_is_said() {
    let Some(openssl) = openssl() else { return };
    let request = asked(
        &openssl,
        "-subj /CN=asha -addext keyUsage=digitalSignature,nonRepudiation -addext extendedKeyUsage=serverAuth,clientAuth \
         -addext basicConstraints=CA:TRUE,pathlen:3",
    );
    let left_out = request.left_out_of(&issue(&request, Profile::Client).unwrap());
    assert_eq!(
        left_out,
        [
            "keyUsage nonRepudiation",
            "extKeyUsage serverAuth",
            "basicConstraints CA",
            "basicConstraints pathLenConstraint"
        ]
    );
    openssl.write(
        "req.cnf",
        "[req]\nprompt=no\ndistinguished_name=dn\nattributes=a\n[dn]\nCN=a\n[a]\nchallengePassword=abcd\n",
    );
    let request = asked(&openssl, "-config req.cnf");
    assert_eq!(
        request.left_out_of(&issue(&request, Profile::Client).unwrap()),
        ["attribute challengePassword"]
    );
    let plain = asked(&openssl, "-subj /CN=ravi -addext keyUsage=digitalSignature");
    assert_eq!(plain.left_out_of(&issue(&plain, Profile::Client).unwrap()), [""; 0]);
}

/// As Windows makes them: the extensions are under szOID_CERT_EXTENSIONS.
#[test]
fn extensions_under_microsofts_number_count_as_well() {
    const PEM: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIH3MIGeAgEAMBAxDjAMBgNVBAMMBW1zZXh0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEhKgdmh6bDss9KY8sVl4eqgM+boCrJLSBpqb5WzQvjFx2CsYTFKdU/amZ
sMPBqopiVZCHcXHk0X+GXwxmIQSn16AsMCoGCisGAQQBgjcCAQ4xHDAaMBgGA1Ud
EQQRMA+CDW1zZXh0LmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIgQjNifd7hOA4F
lZyv6CdHzs3eHgKknZI6knLuroo9OmYCIQCx1VD1JXUS4aiH3BzdoqSjuYuhXnxb
ZKs7jfn/JJCSIg==
-----END CERTIFICATE REQUEST-----
";
    let request = CertificateRequest::load(PEM.as_bytes()).unwrap();
    assert_eq!(request.names()[0].to_string(), "msext.example");
    let certificate = issue(&request, Profile::Server).unwrap();
    assert_eq!(certificate.names(), request.names());
}

#[test]
fn a_client_is_made_for_a_name_that_a_server_may_have() {
    let connect = |name: GeneralName| {
        let config = ClientConfig::new(TrustStore::new()).with_no_identity();
        Connection::client(Arc::new(config), name, NOW).map(drop)
    };
    for name in ["localhost.", "Bank.Example", "a_b.example", "::1"] {
        connect(GeneralName::parse(name).unwrap()).unwrap();
    }
    let dotted = GeneralName::Dns("bank.example.".to_owned());
    let parsed = ["email:asha@bank.example", "URI:https://bank.example/", "*.bank.example"];
    let parsed = parsed.map(|name| GeneralName::parse(name).unwrap());
    for name in parsed.into_iter().chain([dotted]) {
        let refused = connect(name.clone()).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::BadName, "{name}");
    }
}

#[test]
fn names_that_are_added_are_checked_bounded_and_there_once() {
    let Some(openssl) = openssl() else { return };
    let request = asked(&openssl, "-subj /CN=bank -addext subjectAltName=DNS:bank.example");
    let name = |text: &str| GeneralName::parse(text).unwrap();
    let more =
        request.clone().with_further_names(&[name("BANK.example"), name("10.0.0.1"), name("10.0.0.1")]);
    let more = more.unwrap();
    assert_eq!(more.names(), [name("bank.example"), name("10.0.0.1")]);
    assert_eq!(more.to_der(), request.to_der());
    assert_eq!(issue(&more, Profile::Server).unwrap().names(), more.names());
    assert_eq!(request.names(), [name("bank.example")]);

    let wrong = [GeneralName::Dns("two words".to_owned())];
    let refused = request.clone().with_further_names(&wrong).unwrap_err();
    assert!(matches!(refused, Error::Certificate(CertificateError::BadName(_))), "{refused}");
    let many: Vec<GeneralName> = (0..MAX_REQUEST_NAMES).map(|at| name(&format!("a{at}.example"))).collect();
    let fits = request.clone().with_further_names(&many[1..]).unwrap();
    assert_eq!(fits.names().len(), MAX_REQUEST_NAMES);
    let refused = request.clone().with_further_names(&many).unwrap_err();
    assert!(refused.to_string().contains("at most 100"), "{refused}");
    is_refused(issue(&more, Profile::Ca { path_len: 0 }), "no alternative names");
}
