//! Brings leads to the systems publishers use: one connector per kind of system, and the only HTTP client.
//!
//! A connector takes a batch in and gives one outcome per delivery out. It cannot see the database, and it
//! never repeats, waits, spawns or decides: that is done by who calls it. A new kind of system is one folder
//! and one line in [`CONNECTORS`]; forms, prompts, schema and docs follow from its descriptor.

pub mod descriptor;
pub mod destination_settings;
pub mod egress;
mod https;
mod redact;
mod retry_after;
pub mod signing;
#[cfg(test)]
mod test_server;

use descriptor::{Field, Settings};
use egress::Egress;
use egress::guard::EgressPolicy;
use futures_util::future::BoxFuture;
use leadwire_core::id::{DeliveryId, LeadId, PublisherId};
use leadwire_core::outcome::Tried;
use leadwire_core::refusal::Refusal;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::Touchpoint;
use std::sync::Arc;

/// Every connector the product has, sorted by name.
pub const CONNECTORS: &[ConnectorKind] = &[https::KIND];

/// The connector of that name.
pub fn kind(name: &str) -> Option<&'static ConnectorKind> {
    CONNECTORS.iter().find(|it| it.name == name)
}

/// One delivery's content. Has no `Debug`: it holds personal values.
#[derive(Clone)]
pub struct Payload {
    /// The same over every attempt, restart and replay: what a receiver recognises a repetition by.
    pub delivery: DeliveryId,
    /// Whose lead.
    pub publisher: PublisherId,
    /// The lead the touchpoint was folded into.
    pub lead: LeadId,
    /// When Leadwire accepted the touchpoint.
    pub received_at: Timestamp,
    /// What the customer did.
    pub touchpoint: Arc<Touchpoint>,
}

/// The clock's reading for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Wall clock at the start of the attempt, for signatures and token lifetimes.
    pub now: Timestamp,
}

/// What came of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// One per payload, in the same order.
    pub tried: Vec<Tried>,
    /// HTTP requests made, those for tokens included: what is taken from a destination's budget.
    pub calls: u32,
}

/// Brings payloads to one destination. Is kept as long as the destination's lane, because it may hold a token.
pub trait Connector: Send + Sync {
    /// Tries once. Dropping the future ends the attempt; what it had written may have arrived.
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered>;

    /// Most payloads one call of [`Connector::deliver`] should be given: 1 when the system takes them singly.
    fn batch_max(&self) -> usize;
}

/// A connector, or everything that is wrong with its settings.
pub type Opened = Result<Box<dyn Connector>, Vec<Refusal>>;

/// A kind of system, as data: all that the rest of the program knows about it.
#[derive(Clone, Copy)]
pub struct ConnectorKind {
    /// Stable name, such as `https`.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// Settings of this kind only; see [`ConnectorKind::fields`] for all of them.
    pub own_fields: &'static [Field],
    /// Settings that work, as a JSON object.
    pub example: &'static str,
    /// Makes a connector of settings that passed [`descriptor::check`]; call [`ConnectorKind::open`] instead.
    pub build: fn(&Settings) -> Opened,
}

impl ConnectorKind {
    /// All settings in the order a form shows them: those of this kind, then those every destination has.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        self.own_fields.iter().chain(destination_settings::FIELDS)
    }

    /// Checks settings and makes a connector of them. Makes no request.
    ///
    /// # Errors
    /// Everything that is wrong with the settings.
    pub fn open(&self, settings: &Settings) -> Opened {
        let refusals = descriptor::check(self.fields(), settings);
        if refusals.is_empty() { (self.build)(settings) } else { Err(refusals) }
    }

    /// Checks every URL in the settings against the egress policy, as far as that can be done without a look-up:
    /// for the moment settings are saved. Requests check again.
    pub fn check_egress(&self, settings: &Settings, policy: &EgressPolicy) -> Vec<Refusal> {
        descriptor::check_egress(self.fields(), settings, policy)
    }
}
