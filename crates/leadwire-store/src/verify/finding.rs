//! What a look at a store comes to: what was counted, and what is not as it must be.

use crate::rows::DeliveryState;
use leadwire_core::limits;
use std::collections::BTreeMap;

/// A rule that rows must keep, by what breaks it. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Rows of a publisher that is not there.
    PublisherMissing,
    /// A destination has not accepted as many as are somewhere.
    DoesNotAddUp,
    /// A touchpoint's lead is not there.
    TouchpointWithoutLead,
    /// A touchpoint that says it was routed has no delivery.
    RoutedNowhere,
    /// A touchpoint that says no route took it has a delivery.
    UnroutedDelivered,
    /// An erased touchpoint still has its bytes.
    ErasedKept,
    /// A touchpoint's bytes are not those that came.
    BodyChanged,
    /// A delivery's touchpoint is not there.
    DeliveryWithoutTouchpoint,
    /// A delivery's destination is not there.
    DeliveryWithoutDestination,
    /// A delivery's lead is not there.
    DeliveryWithoutLead,
    /// A delivery is in none of the five states.
    DeliveryStateUnknown,
    /// A pending delivery says when it came to rest, or one at rest does not.
    DeliveryEnd,
    /// A delivery at rest is claimed, or a claim is of no lease.
    ClaimWrong,
    /// A delivered delivery has no attempt that was done.
    DeliveredWithoutAttempt,
    /// An attempt's delivery is not there.
    AttemptWithoutDelivery,
    /// A delivery counts fewer attempts than it has.
    AttemptsMiscounted,
    /// Of a lead's pending deliveries to a destination not exactly one is the next.
    OrderBroken,
    /// A lead's count of touchpoints is not that of its rows.
    LeadMiscounted,
    /// What is said of leads that are one does not fit together.
    MembersWrong,
    /// An erased lead still has something personal.
    ErasedLeadKept,
    /// Something is of a later moment than now.
    FromTheFuture,
    /// A counter is below zero.
    CounterNegative,
    /// The audit log has a gap.
    AuditGap,
    /// An entry of the audit log is not what was written, or not behind the one before.
    AuditChanged,
    /// A checkpoint is of another chain than the one that is there.
    CheckpointWrong,
    /// A checkpoint's mark, or a statement's, was not made by this installation.
    MarkWrong,
    /// A lead that must not be contacted waits to be brought to a destination that holds such leads back.
    RefusedPending,
}

impl Check {
    /// All of them.
    pub const ALL: [Check; 27] = [
        Check::PublisherMissing,
        Check::DoesNotAddUp,
        Check::TouchpointWithoutLead,
        Check::RoutedNowhere,
        Check::UnroutedDelivered,
        Check::ErasedKept,
        Check::BodyChanged,
        Check::DeliveryWithoutTouchpoint,
        Check::DeliveryWithoutDestination,
        Check::DeliveryWithoutLead,
        Check::DeliveryStateUnknown,
        Check::DeliveryEnd,
        Check::ClaimWrong,
        Check::DeliveredWithoutAttempt,
        Check::AttemptWithoutDelivery,
        Check::AttemptsMiscounted,
        Check::OrderBroken,
        Check::LeadMiscounted,
        Check::MembersWrong,
        Check::ErasedLeadKept,
        Check::FromTheFuture,
        Check::CounterNegative,
        Check::AuditGap,
        Check::AuditChanged,
        Check::CheckpointWrong,
        Check::MarkWrong,
        Check::RefusedPending,
    ];

    /// Its name, for programs.
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// What is wrong, for people.
    pub fn message(self) -> &'static str {
        self.words().1
    }

    /// Whether it is a warning: something that may be meant, such as a clock that was set back.
    pub fn is_warning(self) -> bool {
        matches!(self, Check::RefusedPending | Check::FromTheFuture)
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Check::PublisherMissing => ("publisher_missing", "rows of a publisher that is not there"),
            Check::DoesNotAddUp => {
                ("does_not_add_up", "a destination's five states are not what it accepted")
            }
            Check::TouchpointWithoutLead => ("touchpoint_without_lead", "a touchpoint's lead is not there"),
            Check::RoutedNowhere => ("routed_nowhere", "a routed touchpoint has no delivery"),
            Check::UnroutedDelivered => {
                ("unrouted_delivered", "a touchpoint that no route took has a delivery")
            }
            Check::ErasedKept => ("erased_kept", "an erased touchpoint still has its bytes"),
            Check::BodyChanged => ("body_changed", "a touchpoint's bytes are not those that came"),
            Check::DeliveryWithoutTouchpoint => {
                ("delivery_without_touchpoint", "a delivery's touchpoint is not there")
            }
            Check::DeliveryWithoutDestination => {
                ("delivery_without_destination", "a delivery's destination is not there")
            }
            Check::DeliveryWithoutLead => ("delivery_without_lead", "a delivery's lead is not there"),
            Check::DeliveryStateUnknown => {
                ("delivery_state_unknown", "a delivery is in none of the five states")
            }
            Check::DeliveryEnd => ("delivery_end", "a delivery's end does not fit its state"),
            Check::ClaimWrong => ("claim_wrong", "a delivery's claim does not fit its state or its lane"),
            Check::DeliveredWithoutAttempt => {
                ("delivered_without_attempt", "a delivered delivery has no attempt that was done")
            }
            Check::AttemptWithoutDelivery => {
                ("attempt_without_delivery", "an attempt's delivery is not there")
            }
            Check::AttemptsMiscounted => {
                ("attempts_miscounted", "a delivery has more attempts than it counts")
            }
            Check::OrderBroken => {
                ("order_broken", "of a lead's pending deliveries not exactly one is the next")
            }
            Check::LeadMiscounted => ("lead_miscounted", "a lead's touchpoints are not as many as it counts"),
            Check::MembersWrong => ("members_wrong", "leads that are one do not fit together"),
            Check::ErasedLeadKept => ("erased_lead_kept", "an erased lead still has something personal"),
            Check::FromTheFuture => ("from_the_future", "something is of a later moment than now"),
            Check::CounterNegative => ("counter_negative", "a counter is below zero"),
            Check::AuditGap => ("audit_gap", "the audit log has a gap"),
            Check::AuditChanged => ("audit_changed", "an entry of the audit log was changed"),
            Check::CheckpointWrong => ("checkpoint_wrong", "the audit log is not what a checkpoint signed"),
            Check::MarkWrong => ("mark_wrong", "a mark was not made by this installation"),
            Check::RefusedPending => (
                "refused_pending",
                "a lead that must not be contacted waits for a destination that holds it back",
            ),
        }
    }
}

/// One break of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub check: Check,
    /// Whose rows; empty: the operator's.
    pub publisher: String,
    /// Of what: ids, and never a personal value.
    pub of: String,
}

/// Rows that were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Publishers.
    pub publishers: u64,
    /// Touchpoints.
    pub touchpoints: u64,
    /// Of these, those that some route took.
    pub routed: u64,
    /// Of these, those whose person was erased.
    pub erased: u64,
    /// Bodies that were hashed again.
    pub bodies: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Attempts.
    pub attempts: u64,
    /// Leads.
    pub leads: u64,
    /// Entries of the audit log.
    pub entries: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Of these, those whose mark was looked at.
    pub marks: u64,
    /// Daily statements.
    pub statements: u64,
}

/// A destination's account, counted from its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Deliveries that a route or a follow-up of a touchpoint brought about.
    pub accepted: u64,
    /// Where they are, in the order of [`DeliveryState::ALL`].
    pub by_state: [u64; 5],
}

impl Account {
    pub(super) fn add(&mut self, state: DeliveryState) {
        let place = DeliveryState::ALL.iter().position(|it| *it == state).expect("all states are listed");
        self.by_state[place] += 1;
    }

    /// Whether what was accepted is all somewhere.
    pub fn adds_up(&self) -> bool {
        self.accepted == self.by_state.iter().sum::<u64>()
    }
}

/// What a look came to so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Rows that were looked at.
    pub counted: Counted,
    /// Accounts by publisher and destination.
    pub accounts: BTreeMap<(String, i64), Account>,
    /// How often each rule is broken.
    pub broken: BTreeMap<Check, u64>,
    /// The first ones of these.
    pub shown: Vec<Violation>,
}

impl Findings {
    pub(super) fn tell(&mut self, check: Check, publisher: &str, of: &str) {
        *self.broken.entry(check).or_default() += 1;
        let shown = self.shown.iter().filter(|it| it.check == check).count();
        // Each rule has room, so that one which is broken often hides no other.
        if shown < limits::VIOLATIONS_SHOWN_MAX {
            self.shown.push(Violation { check, publisher: publisher.to_owned(), of: of.to_owned() });
        }
    }

    /// Broken rules, warnings left out.
    pub fn violations(&self) -> u64 {
        self.broken.iter().filter(|it| !it.0.is_warning()).map(|it| *it.1).sum()
    }

    /// Warnings.
    pub fn warnings(&self) -> u64 {
        self.broken.iter().filter(|it| it.0.is_warning()).map(|it| *it.1).sum()
    }
}
