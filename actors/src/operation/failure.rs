//! How a function says that it did not complete.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use impresario_api::{Code, Faults, text};
use serde_json::Value;

use crate::run::texts;

/// The function was asked to stop and goes: only the supervisor makes one, for one run alone.
///
/// It can be returned (`?` does) and nothing else: not made, not cloned, not turned into an
/// ordinary error, so a stop cannot pass for a failure, nor a failure for a stop. A helper that is
/// given the context returns [`Failure`], which takes a stop and every other error by `?`; an
/// error enum of its own would need a variant for the stop, and so would everyone that handles it.
#[must_use = "return it: `?` does, in a function that returns `Failure`"]
pub struct Stopped {
    run: u64,
}

impl Stopped {
    pub(crate) const fn of(run: u64) -> Self {
        Self { run }
    }
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopped")
    }
}

/// Why a function did not complete: it was stopped, or something went wrong.
///
/// Any error becomes one by `.or_fail("CODE")?` or `.or_retry("CODE")?`; a domain's own error
/// enum that implements [`ErrorCode`] by `?` alone.
///
/// ```
/// use impresario::operation::{Failure, OrFail};
///
/// fn read(file: &str) -> Result<String, Failure> {
///     let text = std::fs::read_to_string(file).or_fail("FILE_NOT_READ")?;
///     if text.is_empty() {
///         let message = format!("{file} is empty; another process may still write it");
///         return Err(Failure::new("FILE_EMPTY", message).retryable());
///     }
///     Ok(text)
/// }
///
/// let failure = read("no such file").unwrap_err();
/// assert_eq!(failure.code(), Some("FILE_NOT_READ"));
/// assert!(!failure.is_stopped());
/// ```
#[derive(Debug)]
pub struct Failure(pub(crate) Cause);

#[derive(Debug)]
pub(crate) enum Cause {
    Stopped(u64),
    Error {
        code: Cow<'static, str>,
        message: String,
        retryable: bool,
        details: Option<Value>,
    },
}

impl Failure {
    /// A failure that another attempt would not mend. `code` is SCREAMING_SNAKE_CASE.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self(Cause::Error {
            code: code.into(),
            message: message.into(),
            retryable: false,
            details: None,
        })
    }

    /// The same, and another attempt may go through.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        if let Cause::Error { retryable, .. } = &mut self.0 {
            *retryable = true;
        }
        self
    }

    /// The same with more for a program.
    #[must_use]
    pub fn details(mut self, more: Value) -> Self {
        if let Cause::Error { details, .. } = &mut self.0 {
            *details = Some(more);
        }
        self
    }

    /// Whether the function was stopped.
    pub const fn is_stopped(&self) -> bool {
        matches!(self.0, Cause::Stopped(_))
    }

    /// Whether another attempt may go through.
    pub(crate) const fn is_retryable(&self) -> bool {
        matches!(
            self.0,
            Cause::Error {
                retryable: true,
                ..
            }
        )
    }

    /// The code, of one that is not a stop.
    ///
    /// ```
    /// # use impresario::operation::Failure;
    /// let failure = Failure::new("NO_ROWS", "rows.csv has no row");
    /// assert_eq!(failure.code(), Some("NO_ROWS"));
    /// assert_eq!(failure.message(), Some("rows.csv has no row"));
    /// assert_eq!(failure.to_string(), "NO_ROWS: rows.csv has no row");
    /// ```
    pub fn code(&self) -> Option<&str> {
        match &self.0 {
            Cause::Stopped(_) => None,
            Cause::Error { code, .. } => Some(code),
        }
    }

    /// The message, of one that is not a stop.
    pub fn message(&self) -> Option<&str> {
        match &self.0 {
            Cause::Stopped(_) => None,
            Cause::Error { message, .. } => Some(message),
        }
    }
}

/// For a log or a warning. A failure is no `std::error::Error`: `.or_fail` takes any of these, and a
/// stop that is given a code would pass for a failure.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Stopped(_) => f.write_str("the function was asked to stop"),
            Cause::Error { code, message, .. } => write!(f, "{code}: {message}"),
        }
    }
}

/// A domain's own error names its codes, and `?` turns it into a [`Failure`].
#[diagnostic::on_unimplemented(
    label = "say what this failure is called: `.or_fail(\"CODE\")?`, or `.or_retry(\"CODE\")?` if another attempt may go through"
)]
pub trait ErrorCode: Error {
    /// SCREAMING_SNAKE_CASE.
    fn code(&self) -> &'static str;

    /// Whether another attempt may go through.
    fn retryable(&self) -> bool {
        false
    }

    /// More, for a program.
    fn details(&self) -> Option<Value> {
        None
    }
}

impl<E: ErrorCode> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Cause::Error {
            code: Cow::Borrowed(error.code()),
            message: chain(&error),
            retryable: error.retryable(),
            details: error.details(),
        })
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Self(Cause::Stopped(stopped.run))
    }
}

/// Adopts any error under a code.
pub trait OrFail<T> {
    /// A failure that another attempt would not mend.
    fn or_fail(self, code: &'static str) -> Result<T, Failure>;
    /// A failure that another attempt may mend.
    fn or_retry(self, code: &'static str) -> Result<T, Failure>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrFail<T> for Result<T, E> {
    fn or_fail(self, code: &'static str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(code, chain(&*error.into())))
    }

    fn or_retry(self, code: &'static str) -> Result<T, Failure> {
        self.or_fail(code).map_err(Failure::retryable)
    }
}

/// The error and what caused it, joined by colons, without saying anything twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Why a kind refuses a start, with a code of its own.
///
/// ```
/// use impresario::operation::Refusal;
///
/// let refusal = Refusal::new("DEVICE_BUSY", "the device is in use").retryable();
/// assert!(refusal.retryable);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// SCREAMING_SNAKE_CASE.
    pub code: Cow<'static, str>,
    /// For a person: what was expected and what came.
    pub message: String,
    /// More, for a program.
    pub details: Option<Value>,
    /// Whether the same start may be admitted later.
    pub retryable: bool,
    /// What is wrong with which of the params; empty where the refusal is not about them.
    pub(crate) faults: Faults,
}

/// A refusal that names params is answered as one of the schema's: `INVALID_PARAMS`.
impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        Self {
            code: Cow::Borrowed(Code::InvalidParams.as_str()),
            message: faults.sentence("the params"),
            details: None,
            retryable: false,
            faults,
        }
    }
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            message: message.into(),
            details: None,
            retryable: false,
            faults: Faults::default(),
        }
    }

    /// The same, and the same start may be admitted later.
    #[must_use]
    pub fn retryable(self) -> Self {
        Self {
            retryable: true,
            ..self
        }
    }

    /// The same with more for a program.
    #[must_use]
    pub fn details(self, details: Value) -> Self {
        Self {
            details: Some(details),
            ..self
        }
    }

    /// The same, short enough to be answered.
    pub(crate) fn bounded(self) -> Self {
        Self {
            code: texts::code(&self.code).into(),
            message: text::lines(&self.message, texts::PROBLEM).into_owned(),
            details: self.details.map(texts::details),
            ..self
        }
    }
}
