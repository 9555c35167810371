//! Turning columns into typed values and back: the one place that knows how each is written in the store.

use crate::StoreError;
use crate::engine::Row;
use leadwire_core::id::{DestinationNo, FollowUpId, LeadId, OfferId, PublisherId, TouchpointId};
use leadwire_core::outcome::{Evidence, Fault, Outcome};
use leadwire_core::time::Timestamp;
use serde_json::{Value, json};

/// How a touchpoint came in, which says how its kept bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The canonical form, by the API.
    Api,
    /// The marketplace's own JSON body.
    PartnerCenter,
    /// A marketplace's form-encoded body.
    Form,
    /// The canonical form, from a file of earlier times. Nothing follows it up, and an erased person's stays out.
    File,
    /// A listing page, whose forms become the canonical form.
    Page,
    /// What a person decided about a lead, in the canonical form. No sender can choose it, so it tells a decision from a
    /// touchpoint that only looks like one. No route is asked about it: it goes to those who may know the lead.
    Person,
}

impl Channel {
    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Api => "api",
            Channel::PartnerCenter => "partner_center",
            Channel::Form => "form",
            Channel::File => "file",
            Channel::Page => "page",
            Channel::Person => "person",
        }
    }

    /// Reads the name.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        match text {
            "api" => Ok(Channel::Api),
            "partner_center" => Ok(Channel::PartnerCenter),
            "form" => Ok(Channel::Form),
            "file" => Ok(Channel::File),
            "page" => Ok(Channel::Page),
            "person" => Ok(Channel::Person),
            other => Err(StoreError::Wrong(format!("no channel is called {other}"))),
        }
    }
}

/// The state of a delivery. The five add up to what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryState {
    /// Owed: due now or later, or being tried.
    Pending,
    /// The destination has it.
    Delivered,
    /// Waits for a person.
    Parked,
    /// Must not be sent.
    Suppressed,
    /// Its person was erased.
    Erased,
}

impl DeliveryState {
    /// All of them, in the order people read them.
    pub const ALL: [DeliveryState; 5] = [
        DeliveryState::Pending,
        DeliveryState::Delivered,
        DeliveryState::Parked,
        DeliveryState::Suppressed,
        DeliveryState::Erased,
    ];

    /// Its name in the store and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Pending => "pending",
            DeliveryState::Delivered => "delivered",
            DeliveryState::Parked => "parked",
            DeliveryState::Suppressed => "suppressed",
            DeliveryState::Erased => "erased",
        }
    }

    /// Reads the name; none when it is not one of the five.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

fn wrong(error: impl std::fmt::Display) -> StoreError {
    StoreError::Wrong(error.to_string())
}

impl Row<'_> {
    /// A moment.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.int(column).map(Timestamp::from_millis)
    }

    /// A moment that may be missing, which is written as 0.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn time_or_none(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(Some(self.int(column)?).filter(|it| *it != 0).map(Timestamp::from_millis))
    }

    /// A count or another small number that is never negative.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn count<T: TryFrom<i64>>(&self, column: usize) -> Result<T, StoreError> {
        T::try_from(self.int(column)?).map_err(|_| wrong("a count is out of range"))
    }

    /// A text that may be missing, which is written as the empty text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text_or_none(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(Some(self.text(column)?).filter(|it| !it.is_empty()).map(str::to_owned))
    }

    /// A publisher.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn publisher(&self, column: usize) -> Result<PublisherId, StoreError> {
        PublisherId::parse(self.text(column)?).map_err(wrong)
    }

    /// An offer that may be missing, which is written as the empty text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn offer_or_none(&self, column: usize) -> Result<Option<OfferId>, StoreError> {
        match self.text(column)? {
            "" => Ok(None),
            text => OfferId::parse(text).map(Some).map_err(wrong),
        }
    }

    /// A touchpoint.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn touchpoint(&self, column: usize) -> Result<TouchpointId, StoreError> {
        TouchpointId::parse(self.text(column)?).map_err(wrong)
    }

    /// A lead.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn lead(&self, column: usize) -> Result<LeadId, StoreError> {
        LeadId::parse(self.text(column)?).map_err(wrong)
    }

    /// A follow-up that may be missing, which is written as the empty text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn follow_up_or_none(&self, column: usize) -> Result<Option<FollowUpId>, StoreError> {
        match self.text(column)? {
            "" => Ok(None),
            text => FollowUpId::parse(text).map(Some).map_err(wrong),
        }
    }

    /// A destination's number.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn destination(&self, column: usize) -> Result<DestinationNo, StoreError> {
        self.count(column).map(DestinationNo::new)
    }

    /// A delivery's state.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn delivery_state(&self, column: usize) -> Result<DeliveryState, StoreError> {
        DeliveryState::parse(self.text(column)?).ok_or_else(|| wrong("no delivery state is called so"))
    }
}

/// The name of an outcome in an attempt's record.
pub(crate) fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Unknown => "unknown",
        Outcome::NotDone(fault) => match fault {
            Fault::RetryNow
            | Fault::RetryAfter(_)
            | Fault::HoldLane(_)
            | Fault::SmallerBatch
            | Fault::RetryThenPause { .. } => "retry",
            Fault::Pause => "operator",
            Fault::Stop => "stop",
            Fault::Park => "refused",
            Fault::Withhold => "withheld",
        },
    }
}

/// Evidence as the text kept with an attempt; empty parts are left out.
pub(crate) fn evidence_text(evidence: &Evidence) -> String {
    let mut out = serde_json::Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    for (name, text) in [("cause", &evidence.cause), ("message", &evidence.message), ("fix", &evidence.fix)] {
        if !text.is_empty() {
            put(name, json!(text));
        }
    }
    if let Some(status) = evidence.http_status {
        put("http_status", json!(status));
    }
    if !evidence.answer.is_empty() {
        put("answer", json!(evidence.answer));
    }
    if let Some(peer) = evidence.peer {
        put("peer", json!(peer));
    }
    let timings = evidence.timings;
    let phases = [
        ("dns_us", timings.dns_us),
        ("connect_us", timings.connect_us),
        ("tls_us", timings.tls_us),
        ("answer_us", timings.answer_us),
        ("total_us", timings.total_us),
    ];
    let phases: serde_json::Map<_, _> =
        phases.into_iter().filter_map(|(name, us)| Some((name.to_owned(), json!(us?)))).collect();
    if !phases.is_empty() {
        put("timings", Value::Object(phases));
    }
    Value::Object(out).to_string()
}
