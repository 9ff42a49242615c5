//! The extensions of each kind of certificate.

use der::oid::ObjectIdentifier;
use der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use der::oid::db::rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION};
use spki::SubjectPublicKeyInfoRef;
use x509_cert::builder::Result as BuilderResult;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, NameConstraints,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;

use super::super::GeneralName;
use super::Profile;
use crate::error::Result;

/// What x509-cert asks for a certificate's names and extensions.
pub(super) struct Template {
    pub(super) subject: Name,
    pub(super) role: Role,
    /// Absent where it signs itself.
    pub(super) issuer: Option<(Name, AuthorityKeyIdentifier)>,
}

/// What the certificate is for.
pub(super) enum Role {
    Authority { path_len: u8, constraints: Option<NameConstraints> },
    Leaf { purposes: Vec<ObjectIdentifier>, names: SubjectAltName, receives: bool },
}

impl Role {
    pub(super) fn of(profile: Profile, names: &[GeneralName]) -> Result<Self> {
        // RFC 5280 §4.2.1.12.
        let purposes = match profile {
            Profile::Server => vec![ID_KP_SERVER_AUTH],
            Profile::Client => vec![ID_KP_CLIENT_AUTH],
            Profile::Both => vec![ID_KP_SERVER_AUTH, ID_KP_CLIENT_AUTH],
            Profile::Ca { path_len } => return Ok(Self::Authority { path_len, constraints: None }),
        };
        // A customer is not always connected: messages are encrypted to his certificate (`cms`).
        let receives = profile == Profile::Client;
        Ok(Self::Leaf { purposes, names: GeneralName::to_x509(names)?, receives })
    }
}

impl BuilderProfile for Template {
    fn get_issuer(&self, own: &Name) -> Name {
        self.issuer.as_ref().map_or_else(|| own.clone(), |(name, _)| name.clone())
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    // RFC 5280 §4.2.1.2: the subject key identifier is the SHA-1 of the key. It names the key and
    // protects nothing.
    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> BuilderResult<Vec<Extension>> {
        let subject = tbs.subject();
        let mut list = Vec::new();
        match &self.role {
            Role::Authority { path_len, .. } => {
                let constraints = BasicConstraints { ca: true, path_len_constraint: Some(*path_len) };
                list.push((true, &constraints).to_extension(subject, &list)?);
                let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
                list.push((true, &usage).to_extension(subject, &list)?);
            }
            Role::Leaf { purposes, receives, .. } => {
                let constraints = BasicConstraints { ca: false, path_len_constraint: None };
                list.push((true, &constraints).to_extension(subject, &list)?);
                // RFC 8446 §4.4.2.2: TLS 1.3 only ever signs with this key. RFC 3279 §2.3.1 and RFC 5480
                // §3 say what encrypting to it takes.
                let usage = match (receives, key.algorithm.oid) {
                    (true, RSA_ENCRYPTION) => KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment,
                    (true, ID_EC_PUBLIC_KEY) => KeyUsages::DigitalSignature | KeyUsages::KeyAgreement,
                    (true | false, _) => KeyUsages::DigitalSignature.into(),
                };
                let usage = KeyUsage(usage);
                list.push((true, &usage).to_extension(subject, &list)?);
                let purpose = ExtendedKeyUsage(purposes.clone());
                list.push((false, &purpose).to_extension(subject, &list)?);
            }
        }
        list.push(SubjectKeyIdentifier::try_from(key)?.to_extension(subject, &list)?);
        if let Some((_, authority_key_identifier)) = &self.issuer {
            list.push(authority_key_identifier.to_extension(subject, &list)?);
        }
        match &self.role {
            Role::Authority { constraints: Some(constraints), .. } => {
                list.push(constraints.to_extension(subject, &list)?);
            }
            Role::Leaf { names, .. } if !names.0.is_empty() => {
                list.push(names.to_extension(subject, &list)?);
            }
            Role::Authority { constraints: None, .. } | Role::Leaf { .. } => {}
        }
        Ok(list)
    }
}
