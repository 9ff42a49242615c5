//! Where a server is: HOST:PORT.

use std::net::Ipv6Addr;

use otls::pki::GeneralName;

use crate::failure::Failure;

/// A host and a port.
pub(crate) struct Target {
    host: String,
    port: u16,
}

impl Target {
    /// Reads `bank.example:4433`, `127.0.0.1:4433` or `[::1]:4433`, the last with a zone or without.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let bare = text.trim();
        if bare != text {
            return Err(Failure::usage(format!("{text:?} has blanks around it"), format!("write {bare}")));
        }
        if text.contains("://") {
            let hint = "write its host and port alone, as bank.example:4433";
            return Err(Failure::usage(format!("{text}: a URL"), hint));
        }
        let no_port = || Failure::usage(format!("{text}: no port"), "write it as bank.example:4433");
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.rsplit_once("]:").ok_or_else(no_port)?,
            None => text.rsplit_once(':').ok_or_else(no_port)?,
        };
        let address = host.split_once('%').map_or(host, |(address, _)| address);
        let fault = match (text.starts_with('['), address.parse::<Ipv6Addr>().is_ok()) {
            (true, false) => Some("no IPv6 address in its brackets"),
            (false, _) if host.contains(':') => Some("an IPv6 address without brackets"),
            (true, true) | (false, _) => None,
        };
        if let Some(fault) = fault {
            return Err(Failure::usage(
                format!("{text}: {fault}"),
                "write it as [::1]:4433 or bank.example:4433",
            ));
        }
        // A sign would be parsed.
        let number = if port.starts_with('+') { None } else { port.parse().ok().filter(|port| *port != 0) };
        let no_number = || Failure::usage(format!("{text}: {port:?} is no port"), "write 1 to 65535");
        Ok(Self { host: host.to_owned(), port: number.ok_or_else(no_number)? })
    }

    /// What is looked up. RFC 6761 §6.3: "localhost." is this machine, but a table of hosts has it without the dot.
    pub(crate) fn address(&self) -> (&str, u16) {
        let host = self.host.as_str();
        (if host.eq_ignore_ascii_case("localhost.") { "localhost" } else { host }, self.port)
    }

    /// The name that the server's certificate must have: the host, of an address without its zone, which is of
    /// this machine alone.
    pub(crate) fn name(&self) -> Result<GeneralName, Failure> {
        let host = self.host.as_str();
        let zoned = host.split_once('%').filter(|(address, _)| address.parse::<Ipv6Addr>().is_ok());
        GeneralName::parse(zoned.map_or(host, |(address, _)| address))
            .map_err(|error| Failure::usage(error.to_string(), "write the server as bank.example:4433"))
    }
}
