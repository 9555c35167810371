//! What somebody is told of a destination that is in trouble, through another destination.

use leadwire_core::id::PublisherId;
use leadwire_core::time::Timestamp;

/// A notice on its way to a person. Holds no personal value and no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The same over every attempt: what a receiver recognises a repetition by.
    pub id: String,
    /// Stable name of what happened, such as `destination.paused`.
    pub event: String,
    /// Whose destination.
    pub publisher: PublisherId,
    /// Its name.
    pub destination: String,
    /// Its kind, for people, such as `Salesforce`.
    pub system: String,
    /// When it happened.
    pub at: Timestamp,
    /// Stable name of the cause; empty for good news.
    pub cause: String,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; empty when nothing needs doing.
    pub fix: String,
    /// Leads that wait at the destination.
    pub waiting: u64,
}

impl Notice {
    /// One line for a subject or a heading.
    pub fn subject(&self) -> String {
        let (name, publisher) = (&self.destination, &self.publisher);
        match self.event.as_str() {
            "destination.paused" => format!("Leads wait: {name} of {publisher} is paused"),
            "destination.resumed" => format!("Leads flow again: {name} of {publisher} works"),
            "destination.check_failed" => {
                format!("Look at {name} of {publisher}: it would not take a lead now")
            }
            "destination.check_passed" => format!("All well again: {name} of {publisher} would take a lead"),
            "destination.ends_soon" => format!("Renew soon: a credential of {name} of {publisher} ends"),
            _ => format!("About {name} of {publisher}"),
        }
    }

    /// The whole notice as lines of text.
    pub fn text(&self) -> String {
        let mut text = format!("{}.\n\n{}: {}.\n", self.subject(), self.system, self.message);
        if !self.fix.is_empty() {
            text.push_str(&format!("What to do: {}.\n", self.fix));
        }
        if self.waiting > 0 {
            text.push_str(&format!("{} leads wait; none is lost.\n", self.waiting));
        }
        text.push_str(&format!("\nSince {}.\n", leadwire_core::rfc3339::format(self.at)));
        text
    }
}
