//! One customer's journey in the demo: seven actions on two offers become one lead, and one record in every system that
//! can hold one.

use super::samples::JOURNEY;
use crate::api::wire;
use crate::cli::client;
use crate::cli::rehearsal::{OWN, Rehearsal};
use anyhow::Context;
use leadwire_sandbox::stage::Stage;
use serde_json::{Value, json};
use std::time::Duration;

/// What became of it.
pub(super) struct Journey {
    pub(super) lead: wire::LeadDetail,
    /// Each kind of destination, with what it keeps of the customer.
    pub(super) records: Vec<(&'static str, u64)>,
}

/// Sends the seven one after another, and looks at what they came to. Nothing else may be sent meanwhile: records are
/// counted.
pub(super) async fn play(rehearsal: &Rehearsal, patience: Duration) -> anyhow::Result<Journey> {
    rehearsal.add("offers", OWN, json!({ "id": "erp-starter", "title": "Contoso ERP Starter" })).await?;
    let before: Vec<u64> = rehearsal.stages.iter().map(Stage::kept).collect();
    let text = std::str::from_utf8(JOURNEY.body).context("the sample is text")?;
    let mut lead = None;
    for line in text.lines() {
        let touchpoint: Value = serde_json::from_str(line)?;
        let taken = rehearsal.add("leads", &[], touchpoint).await?;
        lead = taken.get("lead").and_then(Value::as_str).map(str::to_owned);
    }
    rehearsal.wait_until_settled(patience, |_| {}).await?;
    let lead = lead.context("the journey has actions")?;
    let kept = rehearsal.stages.iter().zip(before);
    Ok(Journey {
        lead: client::shape(rehearsal.client.get(&["v1", "leads", &lead], OWN).await?)?,
        records: kept.map(|(stage, before)| (stage.kind, stage.kept() - before)).collect(),
    })
}

impl Journey {
    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let timeline = &self.lead.timeline;
        let mut offers: Vec<&str> = timeline.iter().filter_map(|it| it.offer.as_deref()).collect();
        offers.sort_unstable();
        offers.dedup();
        let records: serde_json::Map<String, Value> =
            self.records.iter().map(|(kind, count)| ((*kind).to_owned(), json!(count))).collect();
        json!({
            "lead": self.lead.lead.id,
            "touchpoints": self.lead.lead.touchpoints,
            "offers": offers,
            "interest": self.lead.lead.interest,
            "customer": self.lead.lead.customer,
            "timeline": timeline.iter().map(|it| json!({
                "source": it.source, "action": it.action, "offer": it.offer, "interest": it.interest,
            })).collect::<Vec<_>>(),
            "records": records,
        })
    }
}
