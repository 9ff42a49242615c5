//! What a customer is asked to approve, and the text that says so.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::quoted::quoted;
use super::{Amount, Context, shown};
use crate::error::{OtpError, Result};
use crate::secret::Secret;

/// A transaction with the template of the text that the customer reads. All of it is in the [`Context`]
/// that a code is bound to, so what is shown is what is approved (PSD2 RTS, Regulation (EU) 2018/389,
/// Article 5: the payer is made aware of the amount and of the payee).
///
/// A value that is filled in cannot pass for the words around it: one that is more than three words of Latin
/// letters stands in quotation marks, which it cannot have in it, and where anything is read from right to left
/// each value is isolated (UAX #9), so that it does not move the others. docs/PROTOCOL.md has the rules.
///
/// ```
/// use otls::otp::{Amount, Transaction};
///
/// let transfer = Transaction {
///     purpose: "transfer".to_owned(),
///     amount: Some(Amount::new(10_000_000, "INR")?),
///     payee: Some("your friend's account".to_owned()),
///     template: "The OTP for transferring {amount} to {payee} is {code}.".to_owned(),
///     ..Transaction::default()
/// };
/// let text = transfer.text("256345")?;
/// let expected = "The OTP for transferring Rs 1,00,000 to your friend's account is 256345.";
/// assert_eq!(text.expose(), expected.as_bytes());
/// assert_eq!(Transaction::from_context(&transfer.context()?)?, transfer);
/// # Ok::<(), otls::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// What kind of transaction it is, for example `transfer`; never empty.
    pub purpose: String,
    /// How much; then there must be a payee.
    pub amount: Option<Amount>,
    /// Who gets it.
    pub payee: Option<String>,
    /// Anything else, by name; the names of docs/PROTOCOL.md are taken.
    pub fields: BTreeMap<String, String>,
    /// The text, with `{code}` in it and, where there is an amount, `{amount}` and `{payee}`; also
    /// `{purpose}` and the name of any free field.
    pub template: String,
}

impl Transaction {
    /// The context that a code is issued for.
    ///
    /// # Errors
    /// [`OtpError::Transaction`] for an amount without a payee, a free field with a taken name, text with
    /// characters that mislead (docs/PROTOCOL.md), and a template that lacks a placeholder or has an unknown one;
    /// [`crate::Error::ApiMisuse`] beyond the limits of [`Context`].
    pub fn context(&self) -> Result<Context> {
        self.render("")?;
        let mut context = Context::new().with(PURPOSE, &self.purpose)?.with(TEMPLATE, &self.template)?;
        if let Some(amount) = &self.amount {
            context = context.with(AMOUNT, &amount.minor().to_string())?.with(CURRENCY, amount.currency())?;
        }
        if let Some(payee) = &self.payee {
            context = context.with(PAYEE, payee)?;
        }
        self.fields.iter().try_fold(context, |context, (name, value)| context.with(name, value))
    }

    /// The transaction of a context that has a template.
    ///
    /// # Errors
    /// [`OtpError::Transaction`] where [`Transaction::context`] would not have made it.
    pub fn from_context(context: &Context) -> Result<Self> {
        let mut fields: BTreeMap<String, String> =
            context.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let amount = match (fields.remove(AMOUNT), fields.remove(CURRENCY)) {
            (None, None) => None,
            (Some(minor), Some(currency)) => Some(Amount::new(canonical(&minor)?, &currency)?),
            (Some(_), None) | (None, Some(_)) => return Err(refused("an amount goes with its currency")),
        };
        let transaction = Self {
            purpose: fields.remove(PURPOSE).ok_or_else(|| refused("it has no purpose"))?,
            amount,
            payee: fields.remove(PAYEE),
            template: fields.remove(TEMPLATE).ok_or_else(|| refused("it has no template"))?,
            fields,
        };
        transaction.render("")?;
        Ok(transaction)
    }

    /// What the customer reads, with the code in it.
    ///
    /// # Errors
    /// As [`Transaction::context`], and for a text of more than 8192 octets.
    pub fn text(&self, code: &str) -> Result<Secret> {
        self.render(code).map(Secret::from)
    }

    /// What the customer reads, with dots for the code: for logs and for evidence.
    ///
    /// # Errors
    /// As [`Transaction::text`].
    pub fn text_without_code(&self) -> Result<String> {
        self.render(DOTS).map(|text| String::from_utf8_lossy(&text).into_owned())
    }

    fn render(&self, code: &str) -> Result<Zeroizing<Vec<u8>>> {
        self.check()?;
        // The capacity is final, so that growing leaves no copy of the code behind.
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_TEXT_LEN));
        let mut seen: Vec<&str> = Vec::new();
        let turns = self.turns();
        for piece in pieces(&self.template) {
            let shown = match piece? {
                Piece::Text(words) => words.to_owned(),
                Piece::Placeholder(name) => {
                    seen.push(name);
                    self.value(name, code, turns)?
                }
            };
            let shown = Zeroizing::new(shown);
            if text.len().saturating_add(shown.len()) > MAX_TEXT_LEN {
                return Err(refused("its text would have more than 8192 octets"));
            }
            text.extend_from_slice(shown.as_bytes());
        }
        let needed = if self.amount.is_some() { &[CODE, AMOUNT, PAYEE][..] } else { &[CODE] };
        match needed.iter().find(|name| !seen.contains(name)) {
            None => Ok(text),
            Some(name) => Err(refused(&format!("its template lacks {{{name}}}"))),
        }
    }

    /// What stands for a placeholder.
    fn value(&self, name: &str, code: &str, turns: bool) -> Result<String> {
        let words = match name {
            PURPOSE => Some(&self.purpose),
            PAYEE => self.payee.as_ref(),
            _ => self.fields.get(name),
        };
        let known = match name {
            CODE => Some(shown::number(code, turns)),
            AMOUNT => self.amount.map(|amount| shown::number(&amount.to_string(), turns)),
            _ => words.map(|words| shown::set_apart(words, turns)),
        };
        known.ok_or_else(|| refused(&format!("its template has the unknown placeholder {}", quoted(name))))
    }

    fn check(&self) -> Result<()> {
        if self.amount.is_some() && self.payee.is_none() {
            return Err(refused("an amount without a payee"));
        }
        if let Some(name) = self.fields.keys().find(|name| TAKEN.contains(&name.as_str())) {
            return Err(refused(&format!("{name:?} is not the name of a free field")));
        }
        let words = [&self.template].into_iter().chain(self.fields.keys());
        let mut checked = words
            .map(|text| (text, shown::check_words(text)))
            .chain(self.values().map(|text| (text, shown::check_value(text))));
        match checked.find_map(|(text, checked)| checked.err().map(|what| (text, what))) {
            None => Ok(()),
            Some((text, what)) => Err(refused(&format!("{} has {what}", quoted(text)))),
        }
    }

    /// What may be filled in and was written by others.
    fn values(&self) -> impl Iterator<Item = &String> {
        [&self.purpose].into_iter().chain(&self.payee).chain(self.fields.values())
    }

    fn turns(&self) -> bool {
        shown::turns(&self.template) || self.values().any(|value| shown::turns(value))
    }
}

/// A part of a template.
enum Piece<'a> {
    Text(&'a str),
    /// A name in braces.
    Placeholder(&'a str),
}

/// A template in its parts; braces are for placeholders alone.
fn pieces(template: &str) -> impl Iterator<Item = Result<Piece<'_>>> {
    template.split_inclusive('}').flat_map(|part| {
        let (words, placeholder) = match part.strip_suffix('}') {
            None => (part, None),
            Some(part) => match part.split_once('{') {
                Some((words, name)) => (words, Some(Ok(Piece::Placeholder(name)))),
                None => (part, Some(Err(refused("its template has } without {")))),
            },
        };
        let words = if words.contains('{') {
            Err(refused("its template has { without }"))
        } else {
            Ok(Piece::Text(words))
        };
        core::iter::once(words).chain(placeholder)
    })
}

/// Decimal digits as `to_string` writes them.
fn canonical(minor: &str) -> Result<u64> {
    let number = minor.parse::<u64>().ok().filter(|number| number.to_string() == minor);
    number.ok_or_else(|| refused("its amount is not a number of minor units"))
}

fn refused(why: &str) -> crate::Error {
    OtpError::Transaction(why.to_owned()).into()
}

// The names of docs/PROTOCOL.md.
const PURPOSE: &str = "purpose";
const AMOUNT: &str = "amount";
const CURRENCY: &str = "currency";
const PAYEE: &str = "payee";
pub(super) const TEMPLATE: &str = "template";
/// A placeholder only: no field has the code.
const CODE: &str = "code";

const TAKEN: [&str; 6] = [PURPOSE, AMOUNT, CURRENCY, PAYEE, TEMPLATE, CODE];

const DOTS: &str = "••••••";

/// The most octets of an envelope's text.
pub(super) const MAX_TEXT_LEN: usize = 8192;

#[cfg(test)]
mod tests;
