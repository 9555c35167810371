//! Every endpoint of the API on one page: what it is called, who may use it, and what answers it.
//!
//! The router, the authorisation and the OpenAPI document all come from this table, so none of them can lack one.

use super::call::Call;
use super::problem::Problem;
use super::{
    audit, destinations, erasures, failures, feedback, follow_ups, health, intake, keys, ledger, mappings,
    merges, notices, offers, openapi, page, proof, quarantine, read, replays, reports, routes, routing,
    secrets, setup, standing, wire, withhold,
};
use crate::access::Action;
use axum::http::Method;
use axum::response::Response;
use futures_util::future::BoxFuture;
use leadwire_core::limits;
use schemars::{Schema, SchemaGenerator};

/// Whose things an endpoint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenancy {
    /// One publisher's: the key's own, or the one named by `?publisher=`.
    Publisher,
    /// One publisher's if the key belongs to one or `?publisher=` names one; else the operator's.
    Either,
    /// Nobody's in particular.
    Service,
}

/// Makes the schema of a body.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// Answers a request.
pub(super) type Handler = fn(Call) -> BoxFuture<'static, Result<Response, Problem>>;

/// One endpoint.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with placeholders in braces.
    pub path: &'static str,
    /// What the actor must be allowed to do.
    pub action: Action,
    /// Whose things it is about.
    pub tenancy: Tenancy,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Largest body, in bytes.
    pub body_bytes_max: usize,
    /// Parameters of the query, beside `publisher`: name, and what it is for.
    pub query: &'static [(&'static str, &'static str)],
    /// Shape of the body, when it takes one.
    pub takes: Option<Shape>,
    /// Status and shape of a good answer.
    pub gives: (u16, Option<Shape>),
    /// What answers it.
    pub handler: Handler,
}

fn of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const LIMIT: (&str, &str) = ("limit", "Most rows on the page");
const CURSOR: (&str, &str) = ("cursor", "The page behind this one: `next` of the page before");

macro_rules! endpoint {
    () => { &[] };
    ($query:expr) => { $query };
    ($method:ident $path:literal, $action:ident, $tenancy:ident, $summary:literal,
     $takes:expr, $bytes:expr, $status:literal, $gives:expr, $handler:path $(, $query:expr)?) => {
        Endpoint {
            method: Method::$method,
            path: $path,
            action: Action::$action,
            tenancy: Tenancy::$tenancy,
            summary: $summary,
            body_bytes_max: $bytes,
            query: endpoint!($($query)?),
            takes: $takes,
            gives: ($status, $gives),
            handler: |call| Box::pin($handler(call)),
        }
    };
}

/// Every endpoint, senders' first.
#[rustfmt::skip]
pub static ENDPOINTS: &[Endpoint] = &[
    // Senders.
    endpoint!(POST "/v1/leads", SendTouchpoints, Service, "Accept one touchpoint, an array of them, or NDJSON",
        Some(of::<wire::Touchpoints>), limits::BATCH_BYTES_MAX, 202, Some(of::<wire::LeadsAnswer>), intake::by_api,
        &[("import", "`true` for leads of earlier times: each is recognised by its content for 90 days, and nothing follows it up")]),
    endpoint!(POST "/in/{token}", SendToAddress, Service, "Accept a marketplace's own lead body at an intake address",
        Some(of::<serde_json::Value>), limits::TOUCHPOINT_BYTES_MAX, 202, Some(of::<wire::AddressReceipt>), intake::by_address),
    // Readers.
    endpoint!(GET "/v1/leads", ReadLeads, Publisher, "List leads, newest first; `email` finds one",
        None, 0, 200, Some(of::<wire::Page<wire::Lead>>), read::leads,
        &[LIMIT, CURSOR, ("email", "Only the lead with this e-mail address")]),
    endpoint!(GET "/v1/leads/{lead}", ReadLeads, Publisher, "Show a lead with its timeline and deliveries",
        None, 0, 200, Some(of::<wire::LeadDetail>), read::lead),
    endpoint!(POST "/v1/leads/{lead}/interest", DecideOnLeads, Publisher, "Set how interested a lead's customer is; a newer active touchpoint raises it again",
        Some(of::<wire::InterestWish>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::LeadDetail>), standing::set_interest),
    endpoint!(POST "/v1/leads/{lead}/do-not-contact", DecideOnLeads, Publisher, "Write down that a lead's customer must not be contacted, and tell every destination that may know the lead",
        Some(of::<wire::Decision>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::LeadDetail>), standing::do_not_contact),
    endpoint!(POST "/v1/leads/{lead}/permit-contact", DecideOnLeads, Publisher, "Write down that a lead's customer permits contact again",
        Some(of::<wire::Permission>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::LeadDetail>), standing::permit_contact),
    endpoint!(POST "/v1/leads/{lead}/feedback", DecideOnLeads, Publisher, "Say what became of a lead: qualified, disqualified, converted or lost",
        Some(of::<wire::NewFeedback>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::LeadDetail>), feedback::add),
    endpoint!(GET "/v1/reports", ReadLeads, Publisher, "Add up what came, what became of it and how long that took",
        None, 0, 200, Some(of::<wire::Report>), reports::report,
        &[("by", "What the rows are: `offer`, the default, `source`, `action`, `campaign` or `destination`"),
            ("from", "From this day or moment; 30 days before the end when missing"),
            ("to", "Up to, not including, this day or moment; now when missing")]),
    endpoint!(POST "/v1/leads/{lead}/merge", DecideOnLeads, Publisher, "Make two leads one; `into`, `from` or `with` names the other",
        Some(of::<wire::MergeWish>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::LeadDetail>), merges::merge),
    endpoint!(POST "/v1/leads/{lead}/unmerge", DecideOnLeads, Publisher, "Take a merged lead out again, as if it had never been merged",
        Some(of::<wire::Decision>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::Unmerged>), merges::unmerge),
    endpoint!(GET "/v1/suggestions", ReadLeads, Publisher, "List pairs of leads that may be one customer, newest first",
        None, 0, 200, Some(of::<wire::Page<wire::Suggestion>>), merges::suggestions,
        &[LIMIT, CURSOR, ("state", "`open`, the default, `dismissed` or `merged`")]),
    endpoint!(POST "/v1/suggestions/{suggestion}/dismiss", DecideOnLeads, Publisher, "Write down that the leads of a suggestion are two",
        Some(of::<wire::DismissWish>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::Suggestion>), merges::dismiss),
    endpoint!(POST "/v1/leads/{lead}/erase", DecideOnLeads, Publisher, "Erase the person behind a lead, here and in every system that can delete",
        Some(of::<wire::EraseWish>), limits::SETUP_BODY_BYTES_MAX, 202, Some(of::<wire::Erasure>), erasures::erase_lead),
    endpoint!(GET "/v1/erasures", ReadLeads, Publisher, "List erasures, newest first",
        None, 0, 200, Some(of::<wire::Page<wire::Erasure>>), erasures::list, &[LIMIT, CURSOR]),
    endpoint!(POST "/v1/erasures", DecideOnLeads, Publisher, "Erase whoever has an e-mail address, and keep their old data out",
        Some(of::<wire::NewErasure>), limits::SETUP_BODY_BYTES_MAX, 202, Some(of::<wire::Erasure>), erasures::add),
    endpoint!(GET "/v1/erasures/{erasure}", ReadLeads, Publisher, "Show an erasure's receipt: what was wiped here, and what became of it at each destination",
        None, 0, 200, Some(of::<wire::Erasure>), erasures::show),
    endpoint!(GET "/v1/leads/{lead}/routing", ReadLeads, Publisher, "Say in words why each touchpoint of a lead went, or did not go, to each destination",
        None, 0, 200, Some(of::<wire::LeadRouting>), routing::lead),
    endpoint!(GET "/v1/touchpoints", ReadLeads, Publisher, "List touchpoints that no route took, or of which some filter could not be told, newest first",
        None, 0, 200, Some(of::<wire::Page<wire::TouchpointRow>>), routing::touchpoints,
        &[LIMIT, CURSOR, ("routing", "`unrouted`, the default, or `troubled`"), ("offer", "Only those of this offer")]),
    endpoint!(GET "/v1/replays", ReadLeads, Publisher, "List replays, newest first",
        None, 0, 200, Some(of::<wire::Page<wire::Replay>>), replays::list, &[LIMIT, CURSOR]),
    endpoint!(POST "/v1/replays", RetryDeliveries, Publisher, "Route kept touchpoints anew, and bring them where they were not brought",
        Some(of::<wire::NewReplay>), limits::SETUP_BODY_BYTES_MAX, 202, Some(of::<wire::Replay>), replays::add),
    endpoint!(GET "/v1/replays/{replay}", ReadLeads, Publisher, "Show how far a replay is",
        None, 0, 200, Some(of::<wire::Replay>), replays::show),
    endpoint!(POST "/v1/replays/{replay}/stop", RetryDeliveries, Publisher, "Stop a replay; what it did stays done",
        None, 0, 200, Some(of::<wire::Replay>), replays::stop),
    endpoint!(POST "/v1/replays/{replay}/pause", RetryDeliveries, Publisher, "Pause a replay; it keeps its place, also over a restart",
        None, 0, 200, Some(of::<wire::Replay>), replays::pause),
    endpoint!(POST "/v1/replays/{replay}/resume", RetryDeliveries, Publisher, "Let a paused replay go on where it was",
        None, 0, 200, Some(of::<wire::Replay>), replays::resume),
    endpoint!(GET "/v1/deliveries", ReadLeads, Publisher, "List deliveries, newest first, by `state`, `destination` or `lead`",
        None, 0, 200, Some(of::<wire::Page<wire::Delivery>>), read::deliveries,
        &[LIMIT, CURSOR, ("state", "Only those in this state"), ("lead", "Only those of the lead with this id"),
            ("destination", "Only those to the destination of this name or number")]),
    endpoint!(GET "/v1/deliveries/{delivery}", ReadLeads, Publisher, "Show a delivery with its touchpoint and its attempts",
        None, 0, 200, Some(of::<wire::DeliveryDetail>), read::delivery),
    endpoint!(POST "/v1/deliveries/{delivery}/retry", RetryDeliveries, Publisher, "Make a parked or waiting delivery due now",
        None, 0, 200, Some(of::<wire::Retried>), read::retry),
    endpoint!(GET "/v1/quarantine", ReadLeads, Publisher, "List bodies that could not be read, newest first",
        None, 0, 200, Some(of::<wire::Page<wire::QuarantinedRow>>), ledger::quarantine, &[LIMIT, CURSOR]),
    endpoint!(POST "/v1/quarantine/retry-waiting", RetryDeliveries, Publisher, "Read bodies in quarantine anew, oldest first, and accept those that can be read now",
        None, 0, 200, Some(of::<wire::QuarantineRetried>), quarantine::retry_some,
        &[("offer", "Only those that came to addresses of this offer"), ("from", "Only those that came at this moment or later"),
          ("until", "Only those that came before this moment"), ("cursor", "Only those behind this one: `next` of the answer before")]),
    endpoint!(POST "/v1/quarantine/{quarantined}/retry", RetryDeliveries, Publisher, "Read a body in quarantine anew, and accept it if it can be read now",
        None, 0, 200, Some(of::<wire::QuarantineRetried>), quarantine::retry_one),
    endpoint!(GET "/v1/quarantine/{quarantined}/body", ReadLeads, Publisher, "Give out a body that could not be read, as received",
        None, 0, 200, None, ledger::quarantined_body),
    endpoint!(GET "/v1/ledger", ReadLeads, Publisher, "Add up what was accepted and where all of it is",
        None, 0, 200, Some(of::<wire::Ledger>), ledger::ledger),
    endpoint!(GET "/v1/statements", ReadLeads, Publisher, "List daily statements: what came and where it went, newest first",
        None, 0, 200, Some(of::<wire::Page<wire::Statement>>), audit::statements,
        &[LIMIT, CURSOR, ("day", "Only that of this day in UTC, such as 2026-11-20")]),
    // The audit log.
    endpoint!(GET "/v1/audit", ReadAudit, Either, "List who changed what, newest first; without a publisher the operator's own acts",
        None, 0, 200, Some(of::<wire::Page<wire::AuditEntry>>), audit::list, &[LIMIT, CURSOR]),
    endpoint!(POST "/v1/audit/checkpoint", ReadAudit, Either, "Sign the audit log up to its newest entry, for keeping elsewhere",
        None, 0, 200, Some(of::<wire::AuditCheckpoint>), audit::checkpoint),
    // The set-up.
    endpoint!(GET "/v1/publishers", ReadSetup, Service, "List the publishers this key may see",
        None, 0, 200, Some(of::<wire::List<wire::Publisher>>), setup::publishers),
    endpoint!(POST "/v1/publishers", ManagePublishers, Service, "Add a publisher",
        Some(of::<wire::NewPublisher>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::Publisher>), setup::add_publisher),
    endpoint!(GET "/v1/retention", ReadSetup, Publisher, "Show for how many days a publisher keeps people",
        None, 0, 200, Some(of::<wire::Retention>), erasures::retention),
    endpoint!(PUT "/v1/retention", ChangeSetup, Publisher, "Set for how many days after their last touchpoint people are kept; 0 is for ever",
        Some(of::<wire::Retention>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::Retention>), erasures::set_retention),
    endpoint!(GET "/v1/offers", ReadSetup, Publisher, "List offers",
        None, 0, 200, Some(of::<wire::List<wire::Offer>>), setup::offers),
    endpoint!(POST "/v1/offers", ChangeSetup, Publisher, "Add or rename an offer",
        Some(of::<wire::NewOffer>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::Offer>), setup::put_offer),
    endpoint!(DELETE "/v1/offers/{offer}", ChangeSetup, Publisher, "Remove an offer, its routes and its intake addresses",
        None, 0, 204, None, setup::remove_offer),
    endpoint!(GET "/v1/interest-rules", ReadSetup, Service, "List the table of interest: what a customer did, and how interested that shows them to be",
        None, 0, 200, Some(of::<wire::List<wire::InterestRule>>), standing::rules),
    endpoint!(POST "/v1/interest-rules", ManageRules, Service, "Add or change a row of the table of interest",
        Some(of::<wire::NewInterestRule>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::InterestRule>), standing::put_rule),
    endpoint!(DELETE "/v1/interest-rules", ManageRules, Service, "Bring the delivered rows of the table of interest back: one, or all",
        None, 0, 204, None, standing::reset_rules,
        &[("source", "Only the row for this source; `*` for any"), ("action", "Only the row for this action; `*` for any")]),
    endpoint!(GET "/v1/withhold-rules", ReadSetup, Service, "List which customers' leads are kept from publishers",
        None, 0, 200, Some(of::<wire::List<wire::WithholdRule>>), withhold::list),
    endpoint!(POST "/v1/withhold-rules", ManageRules, Service, "Keep leads of customers with addresses in a domain from publishers",
        Some(of::<wire::WithholdRule>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::WithholdRule>), withhold::add),
    endpoint!(DELETE "/v1/withhold-rules", ManageRules, Service, "Remove such a rule; what it withheld stays so until the operator releases it",
        None, 0, 204, None, withhold::remove,
        &[("source", "The rule's source; `*` when missing"), ("domain", "The rule's domain")]),
    endpoint!(GET "/v1/identity-rules", ReadSetup, Publisher, "Show by which rules touchpoints of one customer fold into one lead",
        None, 0, 200, Some(of::<wire::IdentityRules>), merges::rules),
    endpoint!(PUT "/v1/identity-rules", ChangeSetup, Publisher, "Give a publisher rules of identity of its own, for touchpoints from now on",
        Some(of::<wire::IdentityRules>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::IdentityRules>), merges::put_rules),
    endpoint!(DELETE "/v1/identity-rules", ChangeSetup, Publisher, "Bring the delivered rules of identity back",
        None, 0, 204, None, merges::reset_rules),
    endpoint!(GET "/v1/offers/{offer}", ReadSetup, Publisher, "Show an offer with its listing",
        None, 0, 200, Some(of::<wire::OfferDetail>), offers::show),
    endpoint!(PUT "/v1/offers/{offer}/listing", ChangeSetup, Publisher, "Write an offer's listing; what is live stays until it goes live again",
        Some(of::<wire::Listing>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::OfferDetail>), offers::set),
    endpoint!(GET "/v1/offers/{offer}/readiness", ReadSetup, Publisher, "Say what is done and what is missing before an offer goes live",
        None, 0, 200, Some(of::<wire::OfferReadiness>), offers::readiness),
    endpoint!(POST "/v1/offers/{offer}/preview", ChangeSetup, Publisher, "Open the preview of an offer's page; its address is shown once",
        None, 0, 200, Some(of::<wire::OfferPreview>), offers::preview),
    endpoint!(POST "/v1/offers/{offer}/go-live", ChangeSetup, Publisher, "Show an offer's page to everybody",
        None, 0, 200, Some(of::<wire::OfferDetail>), offers::go_live),
    endpoint!(POST "/v1/offers/{offer}/draft", ChangeSetup, Publisher, "Show an offer's page to nobody any more",
        None, 0, 200, Some(of::<wire::OfferDetail>), offers::draft),
    endpoint!(GET "/v1/offers/{offer}/embed", ReadSetup, Publisher, "Give what puts an offer's form into a page of one's own",
        None, 0, 200, Some(of::<wire::Embed>), offers::embed,
        &[("action", "Which form; the first of the page when missing")]),
    endpoint!(GET "/v1/connectors", ReadSetup, Service, "List connectors and their settings",
        None, 0, 200, Some(of::<wire::List<wire::Connector>>), destinations::connectors),
    endpoint!(GET "/v1/destinations", ReadSetup, Publisher, "List destinations",
        None, 0, 200, Some(of::<wire::List<wire::Destination>>), destinations::list),
    endpoint!(POST "/v1/destinations", ChangeSetup, Publisher, "Add a destination",
        Some(of::<wire::NewDestination>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::Destination>), destinations::add),
    endpoint!(GET "/v1/destinations/{destination}", ReadSetup, Publisher, "Show a destination by name or number",
        None, 0, 200, Some(of::<wire::Destination>), destinations::show),
    endpoint!(PATCH "/v1/destinations/{destination}", ChangeSetup, Publisher, "Change some of a destination's settings",
        Some(of::<wire::DestinationChange>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::Destination>), destinations::update),
    endpoint!(DELETE "/v1/destinations/{destination}", ChangeSetup, Publisher, "Remove a destination to which nothing is owed",
        None, 0, 204, None, destinations::remove),
    endpoint!(GET "/v1/destinations/{destination}/feedback", ReadSetup, Publisher, "Show how reading from a destination what became of leads stands",
        None, 0, 200, Some(of::<wire::FeedbackReading>), feedback::reading),
    endpoint!(GET "/v1/destinations/{destination}/mappings", ReadSetup, Publisher, "List the versions of a destination's mapping, newest first",
        None, 0, 200, Some(of::<wire::List<wire::MappingVersion>>), mappings::list),
    endpoint!(GET "/v1/destinations/{destination}/notices", ReadSetup, Publisher, "List what was to be told of a destination, newest first",
        None, 0, 200, Some(of::<wire::List<wire::Notice>>), destinations::notices, &[LIMIT]),
    endpoint!(GET "/v1/notices", ReadSetup, Either, "List what was to be told of trouble, newest first; without a publisher what the operator is told",
        None, 0, 200, Some(of::<wire::List<wire::Notice>>), notices::list,
        &[LIMIT, ("lasting", "`true` for only the troubles that last")]),
    endpoint!(GET "/v1/notices/receivers", ReadSetup, Either, "List through which destinations somebody is told of trouble, and how that went last",
        None, 0, 200, Some(of::<wire::List<wire::NoticeReceiver>>), notices::receivers),
    endpoint!(PUT "/v1/notices/receivers", ChangeSetup, Either, "Say through which destinations somebody is told of trouble: the first that works",
        Some(of::<wire::NewNoticeReceivers>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::List<wire::NoticeReceiver>>), notices::set_receivers),
    endpoint!(POST "/v1/notices/test", ChangeSetup, Either, "Send a test notice, and say what came of it",
        Some(of::<wire::NoticeTest>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::List<wire::NoticeTold>>), notices::test),
    endpoint!(GET "/v1/notices/mutes", ReadSetup, Either, "List what is not told for a while",
        None, 0, 200, Some(of::<wire::List<wire::NoticeMute>>), notices::mutes),
    endpoint!(POST "/v1/notices/mutes", ChangeSetup, Either, "Mute notices of a destination, of a kind, or all, for a while",
        Some(of::<wire::NewNoticeMute>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::NoticeMute>), notices::mute),
    endpoint!(DELETE "/v1/notices/mutes", ChangeSetup, Either, "Take a mute away; what it held back is told if it still lasts",
        None, 0, 204, None, notices::unmute,
        &[("destination", "The mute's destination, if it has one"), ("kind", "The mute's kind, if it has one")]),
    endpoint!(POST "/v1/destinations/{destination}/pause", ChangeSetup, Publisher, "Pause a destination; its leads wait",
        None, 0, 200, Some(of::<wire::Destination>), destinations::pause),
    endpoint!(POST "/v1/destinations/{destination}/resume", ChangeSetup, Publisher, "Resume a destination",
        None, 0, 200, Some(of::<wire::Destination>), destinations::resume),
    endpoint!(POST "/v1/destinations/{destination}/validate", ChangeSetup, Publisher, "Go the whole way a lead takes, with a test lead, and say step by step how it went",
        Some(of::<wire::ValidateWish>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::Proof>), proof::validate),
    endpoint!(POST "/v1/destinations/{destination}/test-lead", ChangeSetup, Publisher, "Write a test lead that stays for people to find",
        None, 0, 200, Some(of::<wire::Proof>), proof::test_lead),
    endpoint!(POST "/v1/destinations/{destination}/preview", ReadLeads, Publisher, "Show the exact requests for a lead without sending them",
        Some(of::<wire::PreviewWish>), limits::TOUCHPOINT_BYTES_MAX, 200, Some(of::<wire::Preview>), proof::preview),
    endpoint!(POST "/v1/destinations/{destination}/prepare", ChangeSetup, Publisher, "Make at the destination what leads need there, such as a field, where that is permitted",
        None, 0, 200, Some(of::<wire::Proof>), proof::prepare),
    endpoint!(GET "/v1/errors", ReadSetup, Service, "Explain what destinations say; `text` finds entries by code or message",
        None, 0, 200, Some(of::<wire::List<wire::KnownError>>), proof::errors,
        &[("text", "Only what this text, a code or a message, means")]),
    endpoint!(POST "/v1/destinations/{destination}/retry-parked", RetryDeliveries, Publisher, "Make a destination's parked deliveries due now",
        None, 0, 200, Some(of::<wire::Retried>), failures::retry_parked,
        &[("cause", "Only those of this cause"), ("until", "Only those parked up to this moment: the `until` of the answer before")]),
    endpoint!(POST "/v1/destinations/{destination}/drop-parked", RetryDeliveries, Publisher, "Give up a destination's deliveries that are parked for a cause: they are suppressed, and stay counted",
        None, 0, 200, Some(of::<wire::Dropped>), failures::drop_parked,
        &[("cause", "The cause, which must be named")]),
    endpoint!(GET "/v1/failures", ReadLeads, Publisher, "List what is parked, in groups by destination and cause, the largest first",
        None, 0, 200, Some(of::<wire::List<wire::FailureGroup>>), failures::list),
    endpoint!(GET "/v1/routes", ReadSetup, Publisher, "List routes, in the order in which they are looked at",
        None, 0, 200, Some(of::<wire::List<wire::Route>>), routes::list),
    endpoint!(POST "/v1/routes", ChangeSetup, Publisher, "Add a route",
        Some(of::<wire::NewRoute>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::Route>), routes::add),
    endpoint!(POST "/v1/routes/order", ChangeSetup, Publisher, "Put the routes into another order",
        Some(of::<wire::RouteOrder>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::List<wire::Route>>), routes::order),
    endpoint!(POST "/v1/routes/test", ReadLeads, Publisher, "Say what each route, or one filter, would say to a lead; nothing is stored",
        Some(of::<wire::RouteTrial>), limits::TOUCHPOINT_BYTES_MAX, 200, Some(of::<wire::RouteTried>), routing::test),
    endpoint!(PATCH "/v1/routes/{route}", ChangeSetup, Publisher, "Change or move a route",
        Some(of::<wire::RouteChange>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::Route>), routes::change),
    endpoint!(DELETE "/v1/routes/{route}", ChangeSetup, Publisher, "Remove a route",
        None, 0, 204, None, routes::remove),
    endpoint!(GET "/v1/follow-ups", ReadSetup, Publisher, "List what is said to customers and to the team once a customer's interest rises",
        None, 0, 200, Some(of::<wire::List<wire::FollowUp>>), follow_ups::list),
    endpoint!(POST "/v1/follow-ups", ChangeSetup, Publisher, "Add a follow-up",
        Some(of::<wire::NewFollowUp>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::FollowUp>), follow_ups::add),
    endpoint!(PATCH "/v1/follow-ups/{follow_up}", ChangeSetup, Publisher, "Change a follow-up",
        Some(of::<wire::FollowUpChange>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::FollowUp>), follow_ups::change),
    endpoint!(DELETE "/v1/follow-ups/{follow_up}", ChangeSetup, Publisher, "Remove a follow-up; what it owes is not sent any more",
        None, 0, 204, None, follow_ups::remove),
    endpoint!(POST "/v1/follow-ups/{follow_up}/preview", ReadLeads, Publisher, "Show what a follow-up says of a lead, and whether it would be sent; nothing is",
        Some(of::<wire::FollowUpTrial>), limits::TOUCHPOINT_BYTES_MAX, 200, Some(of::<wire::FollowUpShown>), follow_ups::preview),
    endpoint!(GET "/v1/intake-addresses", ReadSetup, Publisher, "List intake addresses, without their tokens",
        None, 0, 200, Some(of::<wire::List<wire::IntakeAddress>>), setup::addresses),
    endpoint!(POST "/v1/intake-addresses", ChangeSetup, Publisher, "Make an intake address for an offer; shown once",
        Some(of::<wire::NewIntakeAddress>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::IntakeAddress>), setup::add_address),
    endpoint!(DELETE "/v1/intake-addresses/{address}", ChangeSetup, Publisher, "Revoke an intake address",
        None, 0, 204, None, setup::revoke_address),
    endpoint!(GET "/v1/keys", ManageKeys, Either, "List API keys, without the keys themselves",
        None, 0, 200, Some(of::<wire::List<wire::ApiKey>>), keys::list),
    endpoint!(POST "/v1/keys", ManageKeys, Either, "Make an API key; shown once",
        Some(of::<wire::NewApiKey>), limits::SETUP_BODY_BYTES_MAX, 201, Some(of::<wire::ApiKey>), keys::add),
    endpoint!(DELETE "/v1/keys/{key}", ManageKeys, Either, "Revoke an API key",
        None, 0, 204, None, keys::revoke),
    endpoint!(GET "/v1/secrets", ManageSecrets, Service, "Show how the keys stand that guard destinations' secrets",
        None, 0, 200, Some(of::<wire::Secrets>), secrets::show),
    endpoint!(POST "/v1/secrets/rotate", ManageSecrets, Service, "Change the master key, or the keys of one publisher or of all",
        Some(of::<wire::SecretsRotation>), limits::SETUP_BODY_BYTES_MAX, 200, Some(of::<wire::SecretsRotated>), secrets::rotate),
    // Visitors.
    endpoint!(GET "/o/{offer}", Visit, Service, "An offer's listing page",
        None, 0, 200, None, page::listing),
    endpoint!(GET "/o/{offer}/embed.js", Visit, Service, "A script that puts an offer's form into another page",
        None, 0, 200, None, page::embed),
    endpoint!(GET "/o/{offer}/{action}", Visit, Service, "The form of an action",
        None, 0, 200, None, page::form),
    endpoint!(POST "/o/{offer}/{action}", Visit, Service, "Send a form; it is stored, or shown again with what is wrong",
        Some(of::<serde_json::Value>), limits::FORM_BYTES_MAX, 303, None, page::submit),
    endpoint!(GET "/o/{offer}/{action}/thanks", Visit, Service, "Thanks for a form that was stored",
        None, 0, 200, None, page::thanks),
    endpoint!(GET "/stop/{token}", Visit, Service, "Asks a customer whether they want no more messages",
        None, 0, 200, None, page::stop::show),
    endpoint!(POST "/stop/{token}", Visit, Service, "Writes down that a customer wants no more messages; mail programs press it by themselves",
        None, 0, 200, None, page::stop::stop),
    endpoint!(GET "/assets/{name}", Visit, Service, "Style and scripts of the pages",
        None, 0, 200, None, page::asset),
    // Machines.
    endpoint!(GET "/healthz", Open, Service, "Whether the process is alive",
        None, 0, 200, None, health::alive),
    endpoint!(GET "/readyz", Open, Service, "Whether the service is ready for work, check by check",
        None, 0, 200, Some(of::<wire::Readiness>), health::ready),
    endpoint!(GET "/openapi.json", Open, Service, "This description",
        None, 0, 200, None, openapi::document),
];
