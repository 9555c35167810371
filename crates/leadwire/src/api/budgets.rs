//! What a destination's budget has left, what is to be expected of it, and the bulk job that saves it calls.

use super::call::Call;
use super::destinations::lane;
use super::problem::Problem;
use super::wire::{self, moment};
use crate::directory::Snapshot;
use leadwire_core::budget::{Budget, WindowLeft, forecast};
use leadwire_core::bulk::Stage;
use leadwire_core::limits;
use leadwire_store::setup::Destination;
use std::sync::Arc;

/// A destination that is paused or down has no forecast: nobody knows when it works again.
pub(super) async fn shape(
    call: &Call,
    setup: &Snapshot,
    destination: &Destination,
    is_open: bool,
) -> Result<Option<wire::Budget>, Problem> {
    let lane = lane(destination);
    let Some(outlet) = setup.outlet(&lane) else { return Ok(None) };
    let Some(budget) = &outlet.budget else { return Ok(None) };
    let (counts, waiting) = call.app.store.budget_counts(lane, Arc::clone(budget)).await?;
    let now = call.app.clock.steady();
    let forecast = forecast(budget, counts, (waiting, outlet.batch_max()), now);
    Ok(Some(wire::Budget {
        account: budget.account.clone(),
        windows: windows(budget, &forecast.windows),
        waiting,
        waiting_more: waiting >= limits::WAITING_COUNTED_MAX,
        drained_at: forecast.drained_at.filter(|_| is_open).map(moment),
        lasts_until: forecast.lasts_until.map(moment),
    }))
}

/// The bulk job that is under way.
pub(super) async fn job(call: &Call, destination: &Destination) -> Result<Option<wire::BulkJob>, Problem> {
    let Some((job, deliveries)) = call.app.store.bulk_job_now(lane(destination)).await? else {
        return Ok(None);
    };
    let state = match job.stage {
        Stage::Gathering => "gathering",
        Stage::Sending => "sending",
        Stage::Running => "running",
    };
    let is_away = job.stage != Stage::Gathering;
    Ok(Some(wire::BulkJob {
        state: state.to_owned(),
        reference: Some(job.handle).filter(|it| !it.is_empty()),
        deliveries,
        begun_at: moment(job.begun_at),
        looks: job.looks,
        look_at: is_away.then(|| moment(job.look_at)),
    }))
}

fn windows(budget: &Budget, left: &[WindowLeft]) -> Vec<wire::BudgetWindow> {
    let shape = |(window, it): (&leadwire_core::budget::Window, &WindowLeft)| wire::BudgetWindow {
        seconds: it.length.as_secs(),
        limit: it.limit,
        kept_percent: window.kept_percent,
        used: it.used,
        used_by_others: it.others,
        left: it.left,
    };
    budget.windows.iter().zip(left).map(shape).collect()
}
