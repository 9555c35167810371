//! Brings leads to the systems publishers use: one connector per kind of system, and the only HTTP client.
//!
//! A connector takes a batch in and gives one outcome per delivery out. It cannot see the database, and it
//! never repeats, waits, spawns or decides: that is done by who calls it. A new kind of system is one folder
//! and one line in [`CONNECTORS`]; forms, prompts, schema and docs follow from its descriptor.

mod azure_table;
pub mod bulk;
pub mod call_budget;
pub mod catalogue;
pub mod descriptor;
pub mod destination_settings;
mod dynamics;
pub mod egress;
mod email;
mod entra;
pub mod erase;
pub mod feedback;
mod group;
mod https;
mod hubspot;
pub mod letter;
mod mapped;
mod marketo;
mod marketo_form;
mod multipart;
pub mod notice;
pub mod oidc;
pub mod preview;
mod record_id;
mod redact;
mod retry_after;
mod salesforce;
mod salesforce_web_to_lead;
pub mod signing;
#[cfg(test)]
mod test_server;
mod token;
mod touchpoint_notes;
pub mod validation;
#[cfg(test)]
mod verdicts;

pub use mapped::FieldMap;

use bulk::Bulk;
use call_budget::CallBudget;
use catalogue::Known;
use descriptor::{Field, Settings};
use egress::Egress;
use egress::guard::EgressPolicy;
use erase::Erasure;
use feedback::{Asked, Position};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_core::follow_up::Message;
use leadwire_core::id::{DeliveryId, LeadId, PublisherId};
use leadwire_core::limits::IN_FLIGHT_MAX;
use leadwire_core::mapping::Target;
use leadwire_core::outcome::{Receipt, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Touchpoint};
use letter::Letter;
use notice::Notice;
use preview::Preview;
use std::sync::Arc;
use std::time::Duration;
use validation::{Checked, Step};

/// Every connector the product has, sorted by name.
pub const CONNECTORS: &[ConnectorKind] = &[
    azure_table::KIND,
    dynamics::KIND,
    email::KIND,
    https::KIND,
    hubspot::KIND,
    marketo::KIND,
    marketo_form::KIND,
    salesforce::KIND,
    salesforce_web_to_lead::KIND,
];

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
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// How the lead stood when this attempt was begun.
    pub standing: Seen,
    /// What is to be said about the lead in place of bringing it: a follow-up. Only kinds that carry notices get one.
    pub message: Option<Arc<Message>>,
    /// Rows in place of the destination's own changes to its mapping, as a JSON object: an older version of it.
    pub mapping: Option<Arc<str>>,
}

impl Payload {
    /// Whether the customer must not be contacted: by this touchpoint, or by any other of the lead.
    pub fn do_not_contact(&self) -> bool {
        self.standing.do_not_contact || self.touchpoint.action == Action::DoNotContact
    }

    /// Whether this is no lead: the destination is to delete what it holds of one. No sender can say so.
    pub fn erases(&self) -> bool {
        self.standing.erases
    }

    /// Whether the destination cannot hold a record of this lead yet that Leadwire made: this is the first attempt of
    /// the customer's first touchpoint, whose bits a lead's id takes over. When it is not, a record may be there, and
    /// people may have edited it: only fields that are Leadwire's own may be written to it.
    pub fn is_first(&self) -> bool {
        self.attempt == 1 && self.lead.bits() == self.delivery.touchpoint.bits()
    }
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
    /// Tries once, in as few calls as the system allows. Only calls that belong together may be several: a token, a
    /// look at what is there, the write, and what a policy of the settings asks for. Dropping the future ends the attempt; what it had written may have arrived.
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered>;

    /// Most payloads one call of [`Connector::deliver`] should be given: 1 when the system takes them singly.
    fn batch_max(&self) -> usize;

    /// Whether one write says several touchpoints of a lead: then those that wait go in one batch, as one record. Where each is
    /// a message of its own they do not.
    fn folds(&self) -> bool {
        false
    }

    /// Most attempts the system bears at a time, whatever the settings wish for.
    fn in_flight_max(&self) -> usize {
        IN_FLIGHT_MAX
    }

    /// What the system allows of calls, which of them a batch takes, and how its answers say what is left.
    fn calls(&self) -> CallBudget {
        CallBudget::default()
    }

    /// Hands a backlog over as one job. None: the system takes no jobs.
    fn bulk(&self) -> Option<&dyn Bulk> {
        None
    }

    /// How touchpoints become its records, for people to see. None: the format is fixed.
    fn field_map(&self) -> Option<&FieldMap> {
        None
    }

    /// The requests [`Connector::deliver`] would make for these payloads, credentials masked. Sends nothing.
    fn preview(&self, batch: &[Payload], moment: Moment) -> Preview;

    /// Looks whether leads can be written, and learns what the destination's fields take: sign-in, permissions,
    /// metadata. Writes no lead.
    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked>;

    /// What keeps two payloads from being in flight at once besides belonging to one lead: a system that looks a
    /// record up by e-mail makes two of it when asked twice at the same time. None: nothing.
    fn exclusive_key(&self, payload: &Payload) -> Option<String> {
        let _ = payload;
        None
    }

    /// Reads back what a delivered test lead became. None: the system offers no way to.
    fn read_back<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        let _ = (payload, receipt, moment, egress);
        async { None }.boxed()
    }

    /// Takes a delivered test lead away again. None: the system offers no way to.
    fn clean_up<'a>(
        &'a self,
        payload: &'a Payload,
        receipt: &'a Receipt,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Step>> {
        let _ = (payload, receipt, moment, egress);
        async { None }.boxed()
    }

    /// Makes what an administrator would have to make at the destination before the first lead, such as a field of its
    /// own, where the credentials permit it; a step that failed says in its fix what to do by hand. Writes no lead, and
    /// may be repeated: what is there is left alone. None: nothing is needed.
    fn prepare<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Option<Vec<Step>>> {
        let _ = (moment, egress);
        async { None }.boxed()
    }

    /// Tells somebody of a destination in trouble. Repeating it under the same id is harmless. None: this kind of
    /// destination carries no notices.
    fn tell<'a>(
        &'a self,
        notice: &'a Notice,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        let _ = (notice, moment, egress);
        async { None }.boxed()
    }

    /// Whether [`Connector::write_to`] reaches anybody.
    fn writes_letters(&self) -> bool {
        false
    }

    /// Sends a letter to the one person it names, from the sender of the settings; nobody else gets it. Repeating it under the same
    /// id is harmless. None: this kind of destination reaches nobody by an address.
    fn write_to<'a>(
        &'a self,
        letter: &'a Letter,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        let _ = (letter, moment, egress);
        async { None }.boxed()
    }

    /// How long after one reading of what became of leads the next one comes. None: it is not read, by the settings or
    /// since the system offers no way to.
    fn feedback_every(&self) -> Option<Duration> {
        None
    }

    /// Asks what became of leads since a position, a page at a time, oldest change first. Reads only, and may be repeated.
    /// None: the system offers no way to.
    fn changes<'a>(
        &'a self,
        position: &'a Position,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Asked>> {
        let _ = (position, moment, egress);
        async { None }.boxed()
    }

    /// Deletes what the system holds of an erased person: the records that are named, and whatever else is known by the
    /// lead's key. What is not there is as good as deleted. None: no call of the system deletes it.
    ///
    /// Told by [`erase`]'s outcomes. Tries once, as [`Connector::deliver`] does, and may be repeated.
    fn erase<'a>(
        &'a self,
        erasure: &'a Erasure<'a>,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        let _ = (erasure, moment, egress);
        async { None }.boxed()
    }

    /// When a credential in the settings ends, as far as the settings tell: a certificate, a signed URL, a date a
    /// person entered. The earliest counts.
    fn ends_at(&self) -> Option<Timestamp> {
        None
    }
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
    /// Whether one call carries several leads without a setting that asks for it; how many is said by
    /// [`Connector::batch_max`].
    pub takes_batches: bool,
    /// Whether [`Connector::prepare`] makes there what leads need.
    pub prepares: bool,
    /// Whether what is brought twice is known by a key, so that a repetition does no harm. False: it makes a second record or
    /// a second message, and after a restore a person decides what is brought.
    pub knows_repeats: bool,
    /// Whether [`Connector::tell`] reaches anybody, and [`Connector::deliver`] takes messages of follow-ups.
    pub carries_notices: bool,
    /// Settings that work, as a JSON object.
    pub example: &'static str,
    /// Rows of the mapping, target and expression; empty for a connector whose format is fixed.
    pub default_mapping: &'static [(&'static str, &'static str)],
    /// Fields of the destination that the connector knows.
    pub targets: &'static [Target],
    /// What the destination's codes mean.
    pub errors: &'static [Known],
    /// What an administrator does first, step by step, without a full stop each.
    pub steps: &'static [&'static str],
    /// Makes a connector of settings that passed [`descriptor::check`]; call [`ConnectorKind::open`] instead.
    pub build: fn(&Settings) -> Opened,
}

impl ConnectorKind {
    /// All settings in the order a form shows them: those of this kind, then those every destination has.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + Clone + use<> {
        self.own_fields.iter().chain(destination_settings::FIELDS)
    }

    /// Whether what became of leads can be read back; [`Connector::feedback_every`] says whether it is.
    pub fn reads_feedback(&self) -> bool {
        self.own_fields.iter().any(|it| it.name == feedback::READ_FEEDBACK.name)
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
