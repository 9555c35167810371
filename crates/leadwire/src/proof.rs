//! Proof that a destination works: the whole way a real lead takes, as named steps, before the first real lead does.

mod under_way;

pub use under_way::{TooMany, UnderWay};

use crate::directory::Outlet;
use futures_util::FutureExt;
use leadwire_connect::validation::{self, Step, Verdict};
use leadwire_connect::{Connector, Moment, Payload};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::interest::Interest;
use leadwire_core::limits::ATTEMPT_WAIT;
use leadwire_core::outcome::{Outcome, Receipt};
use leadwire_core::standing::Seen;
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What every name of a test lead starts with, so that people find it at the destination.
const MARK: &str = "LEADWIRE_TEST";

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Sign-in, permissions, metadata; nothing is written.
    Look,
    /// And a test lead is written, read back and taken away again, where the destination allows that.
    WriteAndCleanUp,
    /// And a test lead is written and read back, and stays for people to find.
    WriteAndKeep,
}

/// What was found.
pub struct Proof {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What the destination's metadata said of its fields.
    pub field_rules: Option<serde_json::Value>,
    /// The name by which the test lead is found at the destination, when one was written.
    pub mark: Option<String>,
}

impl Proof {
    fn add(&mut self, step: Step) {
        validation::tell(&step);
        self.steps.push(step);
    }

    /// Whether a real lead would arrive.
    pub fn is_passed(&self) -> bool {
        self.steps.iter().all(|it| it.verdict != Verdict::Failed)
    }
}

/// A lead that nobody is: marked as a test in every field that people see.
pub fn test_lead(
    publisher: &PublisherId,
    destination: DestinationNo,
    (offer, bits, now): (Option<OfferRef>, u128, Timestamp),
) -> Payload {
    let touchpoint = TouchpointId::new(bits);
    let short: String = touchpoint.to_string().chars().rev().take(8).collect();
    let mark = format!("{MARK}_{short}");
    let customer = Customer {
        first_name: Some(MARK.to_owned()),
        last_name: Some(mark.clone()),
        email: Some(format!("leadwire.test.{short}@example.com")),
        phone: Some("+1 202 555 0100".to_owned()),
        country: Some("US".to_owned()),
        company: Some(mark.clone()),
        title: Some("Test".to_owned()),
    };
    let touchpoint_read = Touchpoint {
        source: Source::AzureMarketplace,
        action: Action::Installation,
        offer,
        offer_title: Some("Test of the connection".to_owned()),
        occurred_at: Some(now),
        customer,
        notes: Some(format!("{mark}: Leadwire wrote this lead to test the connection. It may be deleted.")),
        test: true,
        ..Touchpoint::default()
    };
    Payload {
        delivery: DeliveryId { touchpoint, destination },
        publisher: publisher.clone(),
        lead: LeadId::new(bits),
        received_at: now,
        touchpoint: Arc::new(touchpoint_read),
        attempt: 1,
        standing: Seen { interest: Some(Interest::Initial), ..Seen::default() },
        message: None,
        mapping: None,
    }
}

/// Goes the way of a lead as far as asked. The lane's state does not matter, and nothing of it is changed.
pub async fn prove(outlet: &Outlet, payload: Payload, reach: Reach, moment: Moment) -> Proof {
    let mut proof = Proof { steps: Vec::new(), field_rules: None, mark: None };
    let title = "Read the settings";
    let connector = match &outlet.connector {
        Ok(connector) => {
            proof.add(Step::passed("settings", title, "the settings can be used"));
            connector.as_ref()
        }
        Err(problem) => {
            let fix = "correct the settings with `leadwire destination update`";
            let step = Step::passed("settings", title, problem.clone());
            proof.add(step.but(Verdict::Failed, "settings_unusable", fix));
            return proof;
        }
    };
    match guarded(connector.check(moment, &outlet.egress)).await {
        Ok(checked) => {
            proof.steps.extend(checked.steps);
            proof.field_rules = checked.field_rules;
        }
        Err(step) => proof.add(*step),
    }
    if reach == Reach::Look {
        return proof;
    }
    if !proof.is_passed() {
        let skipped = Step::passed("write", "Write a test lead", "not tried, because an earlier step failed");
        proof.add(skipped.but(Verdict::Skipped, "", ""));
        return proof;
    }
    write(connector, outlet, payload, reach, moment, &mut proof).await;
    proof
}

async fn write(
    connector: &dyn Connector,
    outlet: &Outlet,
    payload: Payload,
    reach: Reach,
    moment: Moment,
    proof: &mut Proof,
) {
    let title = "Write a test lead";
    let batch = [payload];
    let tried = match guarded(connector.deliver(&batch, moment, &outlet.egress)).await {
        Ok(delivered) => delivered.tried.into_iter().next(),
        Err(step) => return proof.add(*step),
    };
    let Some(tried) = tried else {
        let step = Step::passed("write", title, "the connector lost count of its answers");
        let fix = "this is a mistake in Leadwire: please report it";
        return proof.add(step.but(Verdict::Failed, "connector_miscounted", fix));
    };
    let mut step = Step::of_attempt("write", title, &tried);
    let Outcome::Done(receipt) = &tried.outcome else { return proof.add(step) };
    let [payload] = &batch;
    let mark = payload.touchpoint.customer.last_name.clone().unwrap_or_default();
    let arrived = match receipt {
        Receipt::Accepted => format!("it was accepted; look for {mark} there"),
        Receipt::Confirmed { record } => format!("it is there as record {record}, named {mark}"),
    };
    step.message = match tried.evidence.message.as_str() {
        "" => arrived,
        more => format!("{arrived}; {more}"),
    };
    proof.mark = Some(mark);
    proof.add(step);
    match guarded(connector.read_back(payload, receipt, moment, &outlet.egress)).await {
        Ok(step) => proof.add(step.unwrap_or_else(|| {
            let message = "this kind of destination offers no way to look";
            Step::passed("read_back", "Read it back", message).but(Verdict::Skipped, "", "")
        })),
        Err(step) => proof.add(*step),
    }
    if reach == Reach::WriteAndCleanUp {
        match guarded(connector.clean_up(payload, receipt, moment, &outlet.egress)).await {
            Ok(step) => proof.add(step.unwrap_or_else(|| {
                let message = "this kind of destination offers no way to; delete the test lead there";
                Step::passed("clean_up", "Take it away again", message).but(Verdict::Skipped, "", "")
            })),
            Err(step) => proof.add(*step),
        }
    }
}

/// Bounds a connector's work in time, and keeps a panic inside it.
async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Box<Step>> {
    let failed = |message: &str, cause, fix| {
        let step = Step::passed("connector", "Ask the destination", message);
        Err(Box::new(step.but(Verdict::Failed, cause, fix)))
    };
    match tokio::time::timeout(ATTEMPT_WAIT, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => failed(
            "the connector failed inside",
            "connector_panicked",
            "this is a mistake in Leadwire: please report it with the log of this moment",
        ),
        Err(_) => failed(
            "the destination did not answer in time",
            "attempt_timeout",
            "check that the address is right and that the destination is up",
        ),
    }
}
