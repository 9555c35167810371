//! A letter to one person by name, such as the link by which somebody chooses a password: words, to one address.

use leadwire_core::language::Language;
use leadwire_core::time::Timestamp;

/// A letter on its way. Has no `Debug`: it holds an address and a link that lets in whoever has it.
#[derive(Clone)]
pub struct Letter {
    /// The same over every attempt with the same words.
    pub id: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Paragraphs, with an empty line between two; one that is an address of the web is a link.
    pub text: String,
    /// In which language.
    pub language: Language,
}
