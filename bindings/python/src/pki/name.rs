//! Subjects and alternative names.

use otls::pki;
use pyo3::prelude::*;

use crate::failure::Result;

/// A subject or issuer: country, state, locality, organisation and common name.
///
/// Attributes that are left out are the empty string. The values are checked (RFC 5280): the
/// country is two letters, the others are not too long and have no control characters.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct DistinguishedName(pub(crate) pki::DistinguishedName);

#[pymethods]
impl DistinguishedName {
    #[new]
    #[pyo3(signature = (*, country="", state="", locality="", organization="", common_name=""))]
    fn new(
        country: &str,
        state: &str,
        locality: &str,
        organization: &str,
        common_name: &str,
    ) -> Result<Self> {
        let mut name = pki::DistinguishedName::with_common_name(common_name);
        country.clone_into(&mut name.country);
        state.clone_into(&mut name.state);
        locality.clone_into(&mut name.locality);
        organization.clone_into(&mut name.organization);
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
