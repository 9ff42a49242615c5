//! What the tests of enrolment share: a TTP without a network.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use otls::Error;
use otls::crypto::SystemRandom;
use otls::crypto::hash::HashAlgorithm;
use otls::est::{EstClient, EstReply, EstServer, Register};
use otls::pki::{
    Authority, Certificate, CertificateRequest, DistinguishedName, GeneralName, KeyType, PrivateKey, Profile,
};

use crate::common::{self, DAY, NOW};

pub(crate) fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::EcdsaP256, &SystemRandom).unwrap()
}

pub(crate) fn request(key: &PrivateKey, name: &str, names: &[&str]) -> CertificateRequest {
    let subject = DistinguishedName::with_common_name(name);
    let names: Vec<GeneralName> = names.iter().map(|name| GeneralName::parse(name).unwrap()).collect();
    CertificateRequest::create(key, &subject, &names, HashAlgorithm::Sha256, &SystemRandom).unwrap()
}

pub(crate) struct Ttp {
    pub(crate) authority: Arc<Authority>,
    pub(crate) register: Register,
}

impl Ttp {
    pub(crate) fn new() -> Self {
        Self { authority: Arc::new(common::authority("otls test root")), register: Register::default() }
    }

    pub(crate) fn responder(&self) -> EstServer {
        EstServer::new(Arc::clone(&self.authority), Profile::Client, DAY)
    }

    pub(crate) fn feed(&mut self, responder: &mut EstServer, bytes: &[u8]) -> Vec<u8> {
        responder.feed(bytes, &mut self.register, NOW, &SystemRandom).unwrap()
    }

    /// The reply to bytes on a connection of their own.
    pub(crate) fn reply(&mut self, bytes: &[u8]) -> String {
        let mut responder = self.responder();
        String::from_utf8(self.feed(&mut responder, bytes)).unwrap()
    }

    /// An enrolment at a TTP that this machine alone reaches.
    pub(crate) fn enrol(
        &mut self,
        profile: Profile,
        request: &CertificateRequest,
    ) -> Result<EstReply, Error> {
        let (mut client, bytes) = EstClient::simpleenroll("ttp.example", profile, request);
        let mut responder = self.responder().with_open_servers();
        client.feed(&self.feed(&mut responder, &bytes)).map(Option::unwrap)
    }

    /// An enrolment with a token, or without, of somebody who has authenticated with a certificate, or not.
    pub(crate) fn enrol_with(
        &mut self,
        profile: Profile,
        request: &CertificateRequest,
        token: Option<&otls::Secret>,
        peer: Option<&Certificate>,
    ) -> Result<Certificate, Error> {
        let (mut client, bytes) = match token {
            Some(token) => EstClient::simpleenroll_with_token("h", profile, request, token),
            None => {
                let (client, bytes) = EstClient::simpleenroll("h", profile, request);
                (client, otls::Secret::from(bytes))
            }
        };
        let mut responder = self.responder();
        if let Some(peer) = peer {
            responder = responder.with_peer(peer);
        }
        client.feed(&self.feed(&mut responder, bytes.expose())).map(|reply| enrolled(reply.unwrap()))
    }
}

pub(crate) fn enrolled(reply: EstReply) -> Certificate {
    match reply {
        EstReply::Enrolled(certificate) => certificate,
        EstReply::CaCertificates(_) => panic!("not an enrolment"),
    }
}

pub(crate) fn status(reply: &str) -> &str {
    reply.get(9..12).unwrap_or("none")
}
