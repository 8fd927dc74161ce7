//! What no log, span or error may show: the value is there, and is never shown by accident.

use std::fmt;

/// A value that is not shown. `Debug` and `Display`, and so whatever tracing records, say `***`; it cannot be serialised;
/// only [`Redacted::expose`] gives it, which a reader of the code sees.
///
/// ```
/// use motcua_platform::redacted::Redacted;
///
/// let phone = Redacted::from("0900000001".to_owned());
/// assert_eq!(format!("{phone} {phone:?}"), "*** ***");
/// assert_eq!(phone.expose(), "0900000001");
/// ```
///
/// It cannot be written as JSON:
///
/// ```compile_fail,E0277
/// # use motcua_platform::redacted::Redacted;
/// serde_json::to_string(&Redacted::from("0900000001".to_owned()));
/// ```
///
/// It does not pass for the text that it holds:
///
/// ```compile_fail,E0308
/// # use motcua_platform::redacted::Redacted;
/// let phone = Redacted::from("0900000001".to_owned());
/// let text: &str = &phone;
/// ```
///
/// Nor is the text got out of it by another way than [`Redacted::expose`]:
///
/// ```compile_fail,E0616
/// # use motcua_platform::redacted::Redacted;
/// println!("{}", Redacted::from("0900000001".to_owned()).0);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, for whoever keeps it.
    #[must_use]
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl Redacted<String> {
    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
