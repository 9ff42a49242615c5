//! Keys, certificates, requests, authorities.

pub(crate) mod authority;
pub(crate) mod certificate;
pub(crate) mod key;
pub(crate) mod name;
pub(crate) mod pkcs12;
