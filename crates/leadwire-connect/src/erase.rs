//! Having a system delete what it holds of an erased person: what it is told, and what its answer comes to.

use crate::Payload;
use leadwire_core::budget;
use leadwire_core::erasure::{CANNOT, DELETED, NOTHING_THERE, TOLD};
use leadwire_core::json::Json;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};

/// The name under which an erasure's payload carries each known record, among its own fields.
pub const RECORD: &str = "record";

/// An erased person, as a system is told of them.
pub struct Erasure<'a> {
    /// The lead, and what it is known by: its id, and the e-mail address where one was known.
    pub payload: &'a Payload,
    /// Records that the system named when leads were brought.
    pub records: Vec<&'a str>,
}

impl<'a> Erasure<'a> {
    /// Of a payload that erases.
    pub fn of(payload: &'a Payload) -> Self {
        let custom = payload.touchpoint.custom.iter().filter(|it| it.0 == RECORD);
        let records = custom
            .filter_map(|it| match &it.1 {
                Json::Text(text) => Some(&**text),
                _ => None,
            })
            .collect();
        Self { payload, records }
    }

    /// The address by which systems that know people so find the record.
    pub fn email(&self) -> Option<&'a str> {
        self.payload.touchpoint.customer.email.as_deref()
    }

    /// The records, for people; "its record" when none was named.
    fn named(&self) -> String {
        if self.records.is_empty() {
            return format!("the record of {}", self.payload.lead);
        }
        format!("record {}", self.records.join(", "))
    }
}

fn done(cause: &str, message: &str, status: Option<u16>) -> Tried {
    let evidence = Evidence {
        cause: cause.to_owned(),
        message: message.to_owned(),
        http_status: status,
        ..Evidence::default()
    };
    Tried { outcome: Outcome::Done(Receipt::Accepted), evidence }
}

/// The system deleted it.
pub(crate) fn deleted(message: &str, status: u16) -> Tried {
    done(DELETED, &format!("{message} (HTTP {status})"), Some(status))
}

/// The system says that there is nothing of the kind.
pub(crate) fn nothing_there(status: u16) -> Tried {
    done(NOTHING_THERE, &format!("the destination holds no such record (HTTP {status})"), Some(status))
}

/// The receiver was told, and does the rest.
pub(crate) fn told(mut tried: Tried) -> Tried {
    if matches!(tried.outcome, Outcome::Done(_)) {
        let status = tried.evidence.http_status;
        let shown = status.map_or_else(String::new, |it| format!(" (HTTP {it})"));
        tried = done(TOLD, &format!("the receiver took the erasure, and deletes by itself{shown}"), status);
    }
    tried
}

/// No call of the system deletes it: a person does, and is told what.
pub fn by_hand(title: &str, erasure: &Erasure<'_>) -> Tried {
    let mut tried = done(CANNOT, &format!("Leadwire cannot delete in {title}"), None);
    tried.evidence.fix = format!("delete {} there by hand", erasure.named());
    tried
}

/// What must wait for a person waits alone: that a system refuses to delete is no reason to bring it no leads. So does what
/// takes more calls than there are now.
pub fn for_a_person(mut tried: Tried, erasure: &Erasure<'_>) -> Tried {
    if budget::is_used_up(&tried.evidence.cause) {
        tried.outcome = Outcome::NotDone(Fault::RetryAfter(None));
        return tried;
    }
    let is_sign_in = tried.evidence.http_status == Some(401);
    if let Outcome::NotDone(Fault::Pause | Fault::Stop | Fault::SmallerBatch | Fault::Park) = tried.outcome
        && !is_sign_in
    {
        tried.outcome = Outcome::NotDone(Fault::Park);
        let by_hand =
            format!("let the integration user delete, then retry; or delete {} by hand", erasure.named());
        tried.evidence.fix = match &*tried.evidence.fix {
            "" => by_hand,
            fix => format!("{fix}; {by_hand}"),
        };
    }
    tried
}
