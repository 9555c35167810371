//! Why input was refused: which field, what is wrong with it, and how to mend it.

/// One thing wrong with outside input. Holds no value from the input, so it can be logged and answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// RFC 6901 pointer to the field; empty for the whole input.
    pub pointer: String,
    /// Stable name of the mistake, such as `wrong_type`; never translated.
    pub code: &'static str,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do about it, without a full stop.
    pub fix: String,
}

impl Refusal {
    /// Puts one together.
    pub fn new(
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), code, message: message.into(), fix: fix.into() }
    }
}
