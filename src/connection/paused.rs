//! The places where a handshake waits for us.

use std::sync::Arc;

use super::{Connection, Machine, State};
use crate::codepoints::AlertDescription;
use crate::error::{Error, Result};
use crate::handshake::{ClientState, Offer, RequestedCertificate, ServerConfig, ServerState};
use crate::pki::Identity;
use crate::time::UnixTime;

impl Connection {
    /// What the client offers, for a server that has read the ClientHello. It is kept encoded, and read at each
    /// call.
    pub fn offer(&self) -> Option<Offer> {
        if self.is_server { Offer::read(self.facts.said.as_ref()?) } else { None }
    }

    /// Goes on with this configuration; what comes of it is judged as of `now`.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside NEED_CONFIG, and nothing is changed; otherwise what the handshake says, and
    /// it is final.
    pub fn configure(&mut self, config: Arc<ServerConfig>, now: UnixTime) -> Result<()> {
        self.check_alive()?;
        if !self.state().contains(State::NEED_CONFIG) {
            return Err(Error::misuse(
                "this connection has a configuration",
                "call configure in NEED_CONFIG, once",
            ));
        }
        self.now = now;
        let stepped = self.step(|machine, cx| {
            let Machine::Server(ServerState::Config(paused)) = machine else { return Ok(machine) };
            Ok(Machine::Server(paused.configure(config, cx)?))
        });
        stepped.and_then(|()| self.drain()).map_err(|error| self.fail(error))
    }

    /// What the server asks of our certificate, if it asks for one. It is kept encoded, and read at each call.
    pub fn certificate_request(&self) -> Option<RequestedCertificate> {
        if self.is_server { None } else { RequestedCertificate::read(self.facts.said.as_ref()?) }
    }

    /// Goes on with this identity, or with none; what comes of it is judged as of `now`.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] outside NEED_CLIENT_CERT, and [`Error::PeerIncompatible`] for a key
    /// whose schemes the server does not accept: the connection stays as it is and another identity
    /// may be given. Otherwise what the handshake says, and it is final.
    pub fn provide_identity(&mut self, identity: Option<Arc<Identity>>, now: UnixTime) -> Result<()> {
        self.check_alive()?;
        let Machine::Client(ClientState::Identity(paused)) = &self.machine else {
            return Err(Error::misuse(
                "no certificate is asked for now",
                "call provide_identity in NEED_CLIENT_CERT",
            ));
        };
        let answer = paused.answer(identity.as_slice())?;
        self.now = now;
        let stepped = self.step(|machine, cx| {
            let Machine::Client(ClientState::Identity(paused)) = machine else { return Ok(machine) };
            Ok(Machine::Client(paused.finish(answer, cx)?))
        });
        stepped.and_then(|()| self.drain()).map_err(|error| self.fail(error))
    }

    /// Gives the handshake up where it waits for us, with the alert that says why: a server that does not like
    /// the offer in NEED_CONFIG (such as unrecognized_name, RFC 6066 §3, or access_denied), a client that does not
    /// want to answer in NEED_CLIENT_CERT. The connection has then failed with [`Error::Rejected`], and the alert
    /// is pending.
    ///
    /// # Errors
    /// [`Error::ApiMisuse`] in any other state, and for an alert that ends no handshake (close_notify and
    /// user_canceled, RFC 8446 §6.1): nothing is changed.
    pub fn reject(&mut self, alert: AlertDescription) -> Result<()> {
        self.check_alive()?;
        let state = self.state();
        if !(state.contains(State::NEED_CONFIG) || state.contains(State::NEED_CLIENT_CERT)) {
            return Err(Error::misuse(
                "the handshake does not wait for this side",
                "call reject in NEED_CONFIG or NEED_CLIENT_CERT; close ends a connection at any time",
            ));
        }
        if [AlertDescription::CLOSE_NOTIFY, AlertDescription::USER_CANCELED].contains(&alert) {
            return Err(Error::misuse(
                "an alert that ends no handshake",
                "use one of RFC 8446 section 6.2, such as access_denied",
            ));
        }
        self.fail(Error::Rejected(alert));
        Ok(())
    }
}
