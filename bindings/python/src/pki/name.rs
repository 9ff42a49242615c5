//! Subjects and alternative names.

use otls::pki;
use pyo3::prelude::*;

use crate::failure::Result;

/// A subject or issuer.
///
/// Attributes that are left out are the empty string. The values are checked (RFC 5280): the
/// country is two letters, the others are not too long and have no control characters.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct DistinguishedName(pub(crate) pki::DistinguishedName);

#[pymethods]
impl DistinguishedName {
    #[new]
    #[pyo3(signature = (
        *, country="", state="", locality="", organization="", organizational_unit="", common_name="",
        email="", serial_number="",
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        country: &str,
        state: &str,
        locality: &str,
        organization: &str,
        organizational_unit: &str,
        common_name: &str,
        email: &str,
        serial_number: &str,
    ) -> Result<Self> {
        let mut name = pki::DistinguishedName::with_common_name(common_name);
        country.clone_into(&mut name.country);
        state.clone_into(&mut name.state);
        locality.clone_into(&mut name.locality);
        organization.clone_into(&mut name.organization);
        organizational_unit.clone_into(&mut name.organizational_unit);
        email.clone_into(&mut name.email);
        serial_number.clone_into(&mut name.serial_number);
        name.check()?;
        Ok(Self(name))
    }

    /// C: two letters.
    #[getter]
    fn country(&self) -> &str {
        &self.0.country
    }

    /// ST: state or province.
    #[getter]
    fn state(&self) -> &str {
        &self.0.state
    }

    /// L: locality.
    #[getter]
    fn locality(&self) -> &str {
        &self.0.locality
    }

    /// O: organisation.
    #[getter]
    fn organization(&self) -> &str {
        &self.0.organization
    }

    /// CN: common name.
    #[getter]
    fn common_name(&self) -> &str {
        &self.0.common_name
    }

    /// OU: organisational unit.
    #[getter]
    fn organizational_unit(&self) -> &str {
        &self.0.organizational_unit
    }

    /// emailAddress.
    #[getter]
    fn email(&self) -> &str {
        &self.0.email
    }

    /// serialNumber: of the subject itself, not of a certificate.
    #[getter]
    fn serial_number(&self) -> &str {
        &self.0.serial_number
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<DistinguishedName {}>", self.0)
    }
}

/// Checks an alternative name (a DNS name or an IP address) and returns it as certificates carry it.
#[pyfunction]
pub(crate) fn check_name(name: &str) -> Result<String> {
    Ok(parse(name)?.to_string())
}

pub(crate) fn parse(name: &str) -> Result<pki::GeneralName> {
    Ok(pki::GeneralName::parse(name)?)
}
