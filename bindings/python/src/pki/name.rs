//! Subjects and alternative names.

use otls::pki;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::convert::Octets;
use crate::failure::Result;

/// A subject or issuer: all of its attributes, in order.
///
/// The keywords are put in the usual order; `attributes` come behind them, in their own: each is a pair of
/// a type (`"UID"`, `"DC"`, `"1.2.3.4"`) and a text, or a list of pairs that stand in one
/// RelativeDistinguishedName. The values are checked (RFC 5280): the country is two letters, the others are
/// not too long and have no control characters. Two names are equal when RFC 5280 section 7.1 says that they
/// match.
///
/// `common_name` and its like are empty where there is no such attribute, and also where there are several,
/// because none of them is then the one: `values` has them all.
#[pyclass(frozen, eq, hash, module = "otls")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct DistinguishedName(pub(crate) pki::DistinguishedName);

/// One attribute of a name, or those of one RelativeDistinguishedName.
#[derive(FromPyObject)]
enum Rdn {
    One((String, String)),
    Several(Vec<(String, String)>),
}

#[pymethods]
impl DistinguishedName {
    #[new]
    #[pyo3(signature = (
        *, country="", state="", locality="", organization="", organizational_unit="", common_name="",
        email="", serial_number="", attributes=None,
    ))]
    fn new(
        country: &str,
        state: &str,
        locality: &str,
        organization: &str,
        organizational_unit: &str,
        common_name: &str,
        email: &str,
        serial_number: &str,
        attributes: Option<Vec<Rdn>>,
    ) -> Result<Self> {
        let mut name = pki::DistinguishedName::default();
        for (kind, value) in [
            ("C", country),
            ("ST", state),
            ("L", locality),
            ("O", organization),
            ("OU", organizational_unit),
            ("CN", common_name),
            ("serialNumber", serial_number),
            ("emailAddress", email),
        ] {
            name.set(kind, value)?;
        }
        for rdn in attributes.unwrap_or_default() {
            let several = match rdn {
                Rdn::One(one) => vec![one],
                Rdn::Several(several) => several,
            };
            for (index, (kind, value)) in several.iter().enumerate() {
                if index == 0 { name.add(kind, value)? } else { name.add_to_last(kind, value)? }
            }
        }
        name.check()?;
        Ok(Self(name))
    }

    /// Reads the DER of a Name.
    #[staticmethod]
    fn from_der(der: Octets) -> Result<Self> {
        Ok(Self(pki::DistinguishedName::from_der(&der)?))
    }

    /// The name as it is encoded.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.to_der())
    }

    /// All attributes in their order, each a type and a value: text, or the bytes of its DER where it is none.
    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        pairs(py, self.0.attributes())
    }

    /// As `attributes`, a tuple of them for each RelativeDistinguishedName.
    #[getter]
    fn rdns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let rdns = self.0.rdns().into_iter().map(|rdn| pairs(py, rdn)).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, rdns)
    }

    /// The texts of all attributes of a type, in their order.
    fn values<'py>(&self, py: Python<'py>, kind: &str) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.values(kind))
    }

    /// C: two letters. As with each of these: empty where there is none, and also where there are several,
    /// because none of them is then the one; `values` has them all.
    #[getter]
    fn country(&self) -> String {
        self.0.country()
    }

    /// ST: state or province.
    #[getter]
    fn state(&self) -> String {
        self.0.state()
    }

    /// L: locality.
    #[getter]
    fn locality(&self) -> String {
        self.0.locality()
    }

    /// O: organisation.
    #[getter]
    fn organization(&self) -> String {
        self.0.organization()
    }

    /// CN: common name.
    #[getter]
    fn common_name(&self) -> String {
        self.0.common_name()
    }

    /// OU: organisational unit.
    #[getter]
    fn organizational_unit(&self) -> String {
        self.0.organizational_unit()
    }

    /// emailAddress.
    #[getter]
    fn email(&self) -> String {
        self.0.email()
    }

    /// serialNumber: of the subject itself, not of a certificate.
    #[getter]
    fn serial_number(&self) -> String {
        self.0.serial_number()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<DistinguishedName {}>", self.0)
    }
}

fn pairs(py: Python<'_>, attributes: Vec<pki::NameAttribute>) -> PyResult<Bound<'_, PyTuple>> {
    let pair = |attribute: pki::NameAttribute| match attribute.text {
        Some(text) => (attribute.kind, text).into_pyobject(py),
        None => (attribute.kind, PyBytes::new(py, &attribute.der)).into_pyobject(py),
    };
    PyTuple::new(py, attributes.into_iter().map(pair).collect::<PyResult<Vec<_>>>()?)
}

/// Checks an alternative name (a DNS name or an IP address) and returns it as certificates carry it: in lower
/// case, without a dot at its end.
#[pyfunction]
pub(crate) fn check_name(name: &str) -> Result<String> {
    Ok(parse(name)?.to_string())
}

pub(crate) fn parse(name: &str) -> Result<pki::GeneralName> {
    Ok(pki::GeneralName::parse(name)?)
}
