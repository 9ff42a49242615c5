//! Payments and other transactions, and the text that customers read of them.

use std::collections::BTreeMap;

use otls::otp;
use pyo3::prelude::*;

use super::ledger::Context;
use crate::convert::hash_of;
use crate::failure::Result;

/// A sum of money: minor units (paise, cents) of an ISO 4217 currency. `str` writes it as people do:
/// `str(Amount(10_000_000, "INR"))` is `"Rs 1,00,000"`.
#[pyclass(frozen, eq, module = "otls")]
#[derive(PartialEq, Eq)]
pub(crate) struct Amount(otp::Amount);

#[pymethods]
impl Amount {
    fn __hash__(&self) -> u64 {
        hash_of(format!("{} {}", self.0.minor(), self.0.currency()).as_bytes())
    }

    #[new]
    fn new(minor: u64, currency: &str) -> Result<Self> {
        Ok(Self(otp::Amount::new(minor, currency)?))
    }

    /// The number of minor units.
    #[getter]
    fn minor(&self) -> u64 {
        self.0.minor()
    }

    /// The currency's code in ISO 4217.
    #[getter]
    fn currency(&self) -> &'static str {
        self.0.currency()
    }

    /// Digits after the point: 2 for most, 0 for JPY, 3 for KWD.
    #[getter]
    fn exponent(&self) -> usize {
        self.0.exponent()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Amount({}, {:?})", self.0.minor(), self.0.currency())
    }
}

/// What a customer is asked to approve, with the template of the text that says so.
#[pyclass(frozen, eq, module = "otls")]
#[derive(PartialEq, Eq)]
pub(crate) struct Transaction {
    pub(crate) transaction: otp::Transaction,
    context: otp::Context,
}

#[pymethods]
impl Transaction {
    fn __hash__(&self) -> u64 {
        hash_of(&self.context.encode())
    }

    #[new]
    #[pyo3(signature = (purpose, template, *, amount=None, payee=None, fields=None))]
    fn new(
        purpose: String,
        template: String,
        amount: Option<&Amount>,
        payee: Option<String>,
        fields: Option<BTreeMap<String, String>>,
    ) -> Result<Self> {
        let amount = amount.map(|amount| amount.0);
        let fields = fields.unwrap_or_default();
        let transaction = otp::Transaction { purpose, amount, payee, fields, template };
        Ok(Self { context: transaction.context()?, transaction })
    }

    /// The transaction of a context that has a template.
    #[staticmethod]
    fn from_context(context: &Context) -> Result<Self> {
        let transaction = otp::Transaction::from_context(&context.0)?;
        Ok(Self { transaction, context: context.0.clone() })
    }

    /// What a code is issued for: all of it.
    #[getter]
    fn context(&self) -> Context {
        Context(self.context.clone())
    }

    /// What kind of transaction it is.
    #[getter]
    fn purpose(&self) -> &str {
        &self.transaction.purpose
    }

    /// How much.
    #[getter]
    fn amount(&self) -> Option<Amount> {
        self.transaction.amount.map(Amount)
    }

    /// Who gets it.
    #[getter]
    fn payee(&self) -> Option<&str> {
        self.transaction.payee.as_deref()
    }

    /// Anything else, by name.
    #[getter]
    fn fields(&self) -> BTreeMap<String, String> {
        self.transaction.fields.clone()
    }

    /// The text with its placeholders.
    #[getter]
    fn template(&self) -> &str {
        &self.transaction.template
    }

    /// What the customer reads, with dots for the code.
    fn __str__(&self) -> String {
        self.transaction.text_without_code().unwrap_or_default()
    }

    fn __repr__(&self) -> String {
        format!("<Transaction {:?}>", self.__str__())
    }
}
