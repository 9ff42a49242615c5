//! The extension module `otls._otls`: each function converts its arguments, calls the core and
//! converts the result. Sockets, clocks that tick and everything that waits are in the Python
//! package around it.

#![allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]

mod aead;
mod cms;
mod config;
mod connection;
mod convert;
mod ending;
mod est;
mod failure;
mod link;
mod offer;
mod otp;
mod pki;
mod session;
mod trace;

use pyo3::prelude::*;

#[pymodule]
mod _otls {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::aead::Aead;
    #[pymodule_export]
    use crate::cms::{Verified, cms_open, cms_seal, cms_sign, cms_verify};
    #[pymodule_export]
    use crate::config::{ClientConfig, ServerConfig};
    #[pymodule_export]
    use crate::connection::Connection;
    #[pymodule_export]
    use crate::est::{EstClient, EstServer, Exchange, Register, RegisterEntry};
    #[pymodule_export]
    use crate::link::Link;
    #[pymodule_export]
    use crate::offer::{Offer, RequestedCertificate};
    #[pymodule_export]
    use crate::otp::audit::{AuditRepair, repair_audit_log, verify_audit_log};
    #[pymodule_export]
    use crate::otp::channel::Channel;
    #[pymodule_export]
    use crate::otp::ledger::{Code, Context, Issued, Ledger, OtpId, Verdict};
    #[pymodule_export]
    use crate::otp::mail::Mail;
    #[pymodule_export]
    use crate::otp::message::{Answer, Envelope, VerdictNotice};
    #[pymodule_export]
    use crate::otp::oath::{Hotp, OtpAuth, Totp, TotpState};
    #[pymodule_export]
    use crate::otp::ocra::Ocra;
    #[pymodule_export]
    use crate::otp::receipt::Receipt;
    #[pymodule_export]
    use crate::otp::transaction::{Amount, Transaction};
    #[pymodule_export]
    use crate::pki::authority::{Authority, Identity, TrustStore};
    #[pymodule_export]
    use crate::pki::certificate::{Certificate, CertificateRequest, Crl};
    #[pymodule_export]
    use crate::pki::key::{PrivateKey, PublicKey, load_key};
    #[pymodule_export]
    use crate::pki::name::{DistinguishedName, check_name};
    #[pymodule_export]
    use crate::pki::pkcs12::Pkcs12;

    #[pymodule_export]
    use crate::session::{Session, TicketKeys};
    #[pymodule_export]
    use crate::trace::Trace;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::ending::watch(module)?;
        super::constants(module)
    }
}

/// The lists that the package shows as constants, and the error numbers that its exceptions mirror.
fn constants(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let names = |list: Vec<String>| pyo3::types::PyTuple::new(module.py(), list);
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("SUITES", names(otls::SUPPORTED_SUITES.iter().map(ToString::to_string).collect())?)?;
    module.add(
        "GROUPS",
        names(otls::crypto::kx::SUPPORTED_GROUPS.iter().map(ToString::to_string).collect())?,
    )?;
    module.add("SCHEMES", names(otls::SUPPORTED_SCHEMES.iter().map(ToString::to_string).collect())?)?;
    let codes: Vec<(i32, &str)> =
        otls::ErrorCode::ALL.iter().map(|code| (code.number(), code.name())).collect();
    module.add("ERROR_CODES", pyo3::types::PyTuple::new(module.py(), codes)?)
}
