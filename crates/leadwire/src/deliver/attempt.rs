//! One try of a batch: the connector does it, and whatever happens inside stays inside.

use super::payload::{Ready, withheld};
use crate::directory::Outlet;
use futures_util::FutureExt;
use leadwire_connect::egress::Egress;
use leadwire_connect::erase::{self, Erasure};
use leadwire_connect::{Connector, Moment, Payload};
use leadwire_core::budget::{Allotment, Told};
use leadwire_core::limits::ATTEMPT_WAIT;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use leadwire_store::lanes::Claim;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What came of a batch.
pub(super) struct Tries {
    /// Claim by claim.
    pub(super) tried: Vec<(Claim, Tried)>,
    /// What it was given to call, what it called of that, and what the service said of its limits.
    pub(super) spent: Option<(Allotment, u32, Vec<Told>)>,
}

/// Tries a batch once. A panic in the connector ends the try, not the lane, and what came of it is unknown.
pub(super) async fn try_batch(
    outlet: Arc<Outlet>,
    batch: Vec<Ready>,
    allotment: Option<Allotment>,
    moment: Moment,
) -> Tries {
    let (egress, meter) = outlet.metered(allotment.as_ref());
    let tried = try_with(&outlet, batch, moment, &egress).await;
    // Whatever came of it, and whether or not it ended in time: these calls were made.
    let (calls, told) = meter.take();
    Tries { tried, spent: allotment.map(|it| (it, calls, told)) }
}

async fn try_with(
    outlet: &Outlet,
    batch: Vec<Ready>,
    moment: Moment,
    egress: &Egress,
) -> Vec<(Claim, Tried)> {
    let mut done = Vec::new();
    let mut claims = Vec::new();
    let mut payloads: Vec<Payload> = Vec::new();
    for (claim, mut content) in batch {
        if let Ok(payload) = &mut content {
            // What the lane learned since the claim.
            payload.standing = claim.standing;
        }
        match content {
            // The wish came after the message was written: the last look before it leaves.
            Ok(payload) if payload.message.is_some() && payload.do_not_contact() => {
                done.push((claim, *withheld("do_not_contact")));
            }
            Ok(payload) => {
                claims.push(claim);
                payloads.push(payload);
            }
            Err(tried) => done.push((claim, *tried)),
        }
    }
    if payloads.is_empty() {
        return done;
    }
    let tried = match &outlet.connector {
        Err(problem) => vec![settings_unusable(problem); payloads.len()],
        Ok(connector) if payloads[0].erases() => {
            let title = leadwire_connect::kind(outlet.kind).map_or(outlet.kind, |it| it.title);
            let mut tried = Vec::with_capacity(payloads.len());
            for payload in &payloads {
                tried.push(erase(&**connector, title, payload, moment, egress).await);
            }
            tried
        }
        Ok(connector) => {
            let delivering = connector.deliver(&payloads, moment, egress);
            let delivering = AssertUnwindSafe(delivering).catch_unwind();
            match tokio::time::timeout(ATTEMPT_WAIT, delivering).await {
                Err(_) => vec![too_slow(); payloads.len()],
                Ok(Ok(delivered)) if delivered.tried.len() == payloads.len() => delivered.tried,
                Ok(Ok(_)) => vec![
                    broken("connector_miscounted", "the connector lost count of its answers");
                    payloads.len()
                ],
                Ok(Err(_)) => {
                    vec![broken("connector_panicked", "the connector failed inside"); payloads.len()]
                }
            }
        }
    };
    done.extend(claims.into_iter().zip(tried));
    done
}

/// Has the destination delete what it holds of an erased person. Lanes give one at a time.
async fn erase(
    connector: &dyn Connector,
    title: &str,
    payload: &Payload,
    moment: Moment,
    egress: &Egress,
) -> Tried {
    let erasure = Erasure::of(payload);
    let erasing = AssertUnwindSafe(connector.erase(&erasure, moment, egress)).catch_unwind();
    match tokio::time::timeout(ATTEMPT_WAIT, erasing).await {
        Err(_) => too_slow(),
        Ok(Ok(Some(tried))) => erase::for_a_person(tried, &erasure),
        Ok(Ok(None)) => erase::by_hand(title, &erasure),
        Ok(Err(_)) => broken("connector_panicked", "the connector failed inside"),
    }
}

fn settings_unusable(problem: &str) -> Tried {
    Tried {
        outcome: Outcome::NotDone(Fault::Pause),
        evidence: Evidence {
            cause: "settings_unusable".to_owned(),
            message: format!("the destination's settings cannot be used: {problem}"),
            fix: "correct the settings with `leadwire destination update`, then resume the destination"
                .to_owned(),
            ..Evidence::default()
        },
    }
}

pub(super) fn too_slow() -> Tried {
    Tried {
        outcome: Outcome::Unknown,
        evidence: Evidence {
            cause: "attempt_timeout".to_owned(),
            message: format!("the destination did not finish within {} seconds", ATTEMPT_WAIT.as_secs()),
            fix: "if it lasts, have the destination looked at, or send it fewer requests at a time"
                .to_owned(),
            ..Evidence::default()
        },
    }
}

pub(super) fn broken(cause: &str, message: &str) -> Tried {
    Tried {
        outcome: Outcome::Unknown,
        evidence: Evidence {
            cause: cause.to_owned(),
            message: message.to_owned(),
            fix: "this is a mistake in Leadwire: please report it with the log of this moment".to_owned(),
            ..Evidence::default()
        },
    }
}
