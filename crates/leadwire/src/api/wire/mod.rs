//! The shapes of the API, as JSON and as schemas. Types of the domain never are; they convert here.

mod audit;
mod credentials;
mod deliveries;
mod destinations;
mod erasures;
mod feedback;
mod follow_ups;
mod leads;
mod ledger;
mod listing;
mod mappings;
mod merges;
mod notices;
mod portal_links;
mod proof;
mod quarantine;
mod receipts;
mod reports;
mod reveals;
mod routes;
mod secrets;
mod setup;
mod standing;
mod touchpoint;
mod users;
mod views;

pub use audit::{AuditCheckpoint, AuditEntry, PlacesOfDay, Statement, StatementOfDay};
pub use credentials::{ApiKey, IntakeAddress, NewApiKey, NewIntakeAddress};
pub use deliveries::{Attempt, Delivery, DeliveryDetail, Dropped, FailureGroup, Retried};
pub use destinations::{
    Budget, BudgetWindow, BulkJob, Connector, Destination, DestinationChange, NewDestination, Pause,
    ProvedAt, TellingTrouble, Tries, TriesOfHour,
};
pub use erasures::{EraseWish, ErasedThere, Erasure, NewErasure, Retention, Wiped};
pub use feedback::{Feedback, FeedbackReading, LeadFeedback, NewFeedback};
pub use follow_ups::{FollowUp, FollowUpChange, FollowUpShown, FollowUpTrial, NewFollowUp};
pub use leads::{FieldHistory, Folded, Lead, LeadDetail, Leads, SaidValue, TouchpointRow};
pub use ledger::{Account, Ledger, QuarantineRetried, QuarantinedRow};
pub use listing::{
    Embed, Listing, ListingTexts, OfferDetail, OfferPreview, OfferReadiness, OfferedAction, Picture,
    ReadinessStep,
};
pub use mappings::{
    BackTest, BackTestWish, CameField, DeliveryFields, DifferentValue, FieldRow, FieldTally, MappingNow,
    MappingRow, MappingTried, MappingTry, MappingVersion, NewMapping, NotMade, RowDifference, TriedRow,
    Unread,
};
pub use merges::{DismissWish, IdentityRules, Member, MergeWish, Record, Suggestion, Unmerged};
pub use notices::{
    NewNoticeMute, NewNoticeReceivers, Notice, NoticeMute, NoticeReceiver, NoticeTest, NoticeTold,
};
pub use portal_links::{NewPortalLink, PortalLink};
pub use proof::{
    KnownError, Preview, PreviewWish, PreviewedRequest, Proof, ProofRun, ProofStep, Unsent, ValidateWish,
};
pub use quarantine::{BodyMistake, BodyPlace, QuarantineReading, QuarantinedBody};
pub use receipts::{AddressReceipt, ItemResult, LeadsAnswer, Receipt, Receipts};
pub use reports::{Report, ReportDeliveries, ReportRow, ReportTimes};
pub use reveals::{Privacy, RevealWish};
pub use routes::{
    LeadRouting, NewReplay, NewRoute, Replay, ReplayTally, Route, RouteChange, RouteOrder, RouteTrial,
    RouteTried, RouteVerdict, TouchpointRouting,
};
pub use secrets::{MasterKey, RotatedKey, Secrets, SecretsRotated, SecretsRotation, UnopenedSecrets};
pub use setup::{NewOffer, NewPublisher, Offer, Publisher};
pub use standing::{
    Act, ConsentRecord, Decision, InterestRule, InterestWhy, InterestWish, NewInterestRule, Permission, Said,
    Standing, WithholdRule,
};
pub use touchpoint::{Consent, Customer, Touchpoint, Touchpoints};
pub use users::{LetterWish, NewUser, User, UserLetter, Users};
pub use views::{NewSavedView, SavedView};

use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A page of a list.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the page behind this one; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A list that is never long.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct List<T> {
    /// The rows.
    pub items: Vec<T>,
}

/// Whether the service is ready for work.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether it is.
    pub ready: bool,
    /// Each check by name.
    pub checks: Map<String, Value>,
}

/// A moment as RFC 3339 text.
pub(crate) fn moment(at: Timestamp) -> String {
    rfc3339::format(at)
}
