//! Routes, why a touchpoint went where it went, and replays.

use super::{Delivery, TouchpointRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A route.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// Its id.
    pub id: String,
    /// Its place in the order in which routes are looked at, from 1.
    pub position: usize,
    /// The offer it takes, the start of offers' ids with a `*` behind it, or `*` for all of the publisher.
    pub offer: String,
    /// Which touchpoints of these it takes, as a CEL expression; missing: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Name of the destination it leads to.
    pub destination: String,
    /// Whether later routes are not looked at for what it takes.
    pub stop: bool,
    /// When it was added.
    pub created_at: String,
    /// Why its filter cannot be read by this version; it takes nothing until it is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A route to add.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoute {
    /// The offer it takes, the start of offers' ids with a `*` behind it, or `*` for all of the publisher.
    pub offer: String,
    /// Name or number of the destination it leads to.
    pub destination: String,
    /// Which touchpoints of these it takes, as a CEL expression; missing: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether later routes are not looked at for what it takes.
    #[serde(default)]
    pub stop: bool,
    /// Its place among the routes, from 1; missing: the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
}

/// What to change of a route; what is missing stays.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteChange {
    /// The offer, the start of ids with a `*` behind it, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Name or number of the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The filter; the empty text takes it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Whether later routes are not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<bool>,
    /// Its place among the routes, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
}

/// All routes of a publisher in the order they shall have.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteOrder {
    /// Their ids, each once.
    pub routes: Vec<String>,
}

/// A touchpoint to try the routes with, or one filter.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteTrial {
    /// A lead in the canonical form.
    pub lead: Map<String, Value>,
    /// A filter to try beside the routes; it need not be any route's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
}

/// How it went.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct RouteTried {
    /// What the filter says, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<RouteVerdict>,
    /// What each route says, in their order.
    pub routes: Vec<RouteVerdict>,
    /// Names of the destinations it would go to.
    pub goes_to: Vec<String>,
}

/// What a route says to a touchpoint.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct RouteVerdict {
    /// The route; missing for a filter by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Its place, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// Name of the destination it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `takes`, `holds`, `taken_before`, `other_offer`, `filter_false`, `filter_troubled` or `stopped`.
    pub verdict: String,
    /// The same in words.
    pub because: String,
}

/// Why a lead's touchpoints went where they went.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct LeadRouting {
    /// The lead.
    pub lead: String,
    /// Its touchpoints, oldest first, up to the newest twenty.
    pub touchpoints: Vec<TouchpointRouting>,
}

/// Why one touchpoint went where it went.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TouchpointRouting {
    /// The touchpoint.
    pub touchpoint: TouchpointRow,
    /// What was decided when it came or was replayed: the deliveries that are there.
    pub deliveries: Vec<Delivery>,
    /// What each route says now, in their order.
    pub routes: Vec<RouteVerdict>,
    /// What it comes to, a sentence each.
    pub summary: Vec<String>,
}

/// A replay to make.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReplay {
    /// Only to this destination, by name or number, with all touchpoints; missing: touchpoints that no route took, to
    /// wherever routes lead now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Touchpoints of these offers, as a route says it; missing: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Received at this moment or later, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Received before this moment, RFC 3339; what comes after the request is never taken up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Send again what is delivered; only with a destination.
    #[serde(default)]
    pub force: bool,
    /// Only touchpoints that fulfil this condition, written as a route's filter is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Only touchpoints of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only touchpoints of this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only deliveries that stand so: `parked` (routes are not asked, it is owed already), `delivered` (with force) or
    /// `missing`. The first two need a destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// With the state `parked`: only those parked for this cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The version of the destination's mapping to map with: a number, or `current`, which is what is meant when it is
    /// missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Count what it would do, and change no delivery.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a replay did, or would do, for one destination and reason.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct ReplayTally {
    /// The destination; missing for touchpoints that go nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `added`, `again`, `held` or `skipped`.
    pub what: String,
    /// Why: a stable name.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// A replay.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Replay {
    /// Its id.
    pub id: String,
    /// `running`, `paused`, `done` or `stopped`.
    pub state: String,
    /// Its destination, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Offers it takes up.
    pub offer: String,
    /// Whether what is delivered is sent again.
    pub force: bool,
    /// Whether it only counts.
    #[serde(default)]
    pub dry_run: bool,
    /// The condition on touchpoints, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The source it is for, when it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The action it is for, when it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// How deliveries stand that it takes up, when that matters to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// The cause it is for, when it is for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The version of the mapping, when it is not the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<u32>,
    /// It takes up what was received at this moment or later; missing: all that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// It takes up what was received before this moment.
    #[serde(default)]
    pub until: String,
    /// When it was asked for.
    pub created_at: String,
    /// Who asked for it: the id of a key, a user or a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<String>,
    /// The name of that user, where it is one of the publisher's who is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<String>,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// How far it is, from 0 to 1: by the touchpoints there are, or by the time over which they came when they are too many
    /// to count.
    pub progress: f64,
    /// Touchpoints there are to look at, when they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Touchpoints it came by, those it does not take up included.
    #[serde(default)]
    pub looked: u64,
    /// Touchpoints taken up.
    pub seen: u64,
    /// Deliveries that are new.
    pub added: u64,
    /// Deliveries that were parked or delivered and are due again.
    pub again: u64,
    /// Deliveries held back, since the customer must not be contacted.
    pub held: u64,
    /// Touchpoints that no route takes, still.
    pub unrouted: u64,
    /// What was done, or would be, by destination and reason; only where one replay is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tallies: Vec<ReplayTally>,
}
