//! Endpoints that prove a destination, show what would be sent to it, and explain what it says.

use super::answer;
use super::call::Call;
use super::destinations::{change_gate, find, lane};
use super::problem::Problem;
use super::setup::done;
use super::wire;
use crate::bodies;
use crate::directory::Outlet;
use crate::proof::{self, Reach};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_connect::validation::{self, Step, Verdict};
use leadwire_connect::{Moment, Payload};
use leadwire_core::id::{DeliveryId, LeadId, OfferRef, TouchpointId};
use leadwire_core::json;
use leadwire_core::lane::Gate;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use leadwire_core::refusal::Refusal;
use leadwire_core::standing::Standing;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::leads::StoredTouchpoint;
use leadwire_store::rows::Channel;
use leadwire_store::setup::proofs::{Proved, ToldProof};
use leadwire_store::setup::{Change, Destination};
use serde_json::{Map, Value};
use std::future::Future;
use std::sync::Arc;

/// `POST /v1/destinations/{destination}/validate`
pub(super) async fn validate(call: Call) -> Result<Response, Problem> {
    find(&call)?;
    let wish: wire::ValidateWish = if call.body.is_empty() { Default::default() } else { call.json()? };
    let reach = if wish.look_only { Reach::Look } else { Reach::WriteAndCleanUp };
    let what = if reach == Reach::Look { "look" } else { "validate" };
    told(&call, what, prove(&call, reach)).await
}

/// `POST /v1/destinations/{destination}/test-lead`
pub(super) async fn test_lead(call: Call) -> Result<Response, Problem> {
    told(&call, "test-lead", prove(&call, Reach::WriteAndKeep)).await
}

/// Goes the way while everybody may look on, and keeps what came of it for those who left.
async fn told(
    call: &Call,
    what: &'static str,
    work: impl Future<Output = Result<wire::Proof, Problem>>,
) -> Result<Response, Problem> {
    let (_, destination) = find(call)?;
    let lane = lane(&destination);
    let making = call.app.proofs.begin(lane.clone(), what, call.app.clock.wall());
    let shape = validation::watched_too(making.onlooker(), work).await?;
    let told = ToldProof {
        what: what.to_owned(),
        settings_no: destination.settings_no,
        told: serde_json::to_string(&shape).expect("our own shapes are JSON"),
        begun_at: making.begun_at(),
        ended_at: call.app.clock.wall(),
    };
    call.app.store.keep_proof(lane, told).await?;
    // Whoever looks from now on sees what is kept.
    drop(making);
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `GET /v1/destinations/{destination}/proof`
pub(super) async fn last(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let lane = lane(&destination);
    let mut items = Vec::new();
    if let Some(begun) = call.app.proofs.of(&lane) {
        let steps = begun.steps().iter().map(step_shape).collect();
        items.push(wire::ProofRun {
            what: begun.what.to_owned(),
            begun_at: wire::moment(begun.begun_at),
            ended_at: None,
            current: true,
            proof: wire::Proof { passed: false, steps, mark: None, learned: false },
        });
    }
    if let Some(kept) = call.app.store.told_proof(lane).await? {
        // What an older version wrote may lack something by now: then it is as good as not kept.
        if let Ok(proof) = serde_json::from_str(&kept.told) {
            items.push(wire::ProofRun {
                what: kept.what,
                begun_at: wire::moment(kept.begun_at),
                ended_at: Some(wire::moment(kept.ended_at)),
                current: kept.settings_no == destination.settings_no,
                proof,
            });
        }
    }
    Ok(answer::json(StatusCode::OK, &wire::List { items }))
}

async fn prove(call: &Call, reach: Reach) -> Result<wire::Proof, Problem> {
    let (_, destination) = find(call)?;
    let outlet = outlet(call, &destination)?;
    let now = call.app.clock.wall();
    let mut proof = proof::prove(&outlet, test_payload(call, &destination), reach, Moment { now }).await;
    outlet.count_aside(&call.app.store, &destination.publisher, &*call.app.clock).await;
    note(call, &destination, reach, proof.is_passed()).await?;
    if proof.is_passed() && reach != Reach::Look {
        let resumed = resume(call, &destination).await?;
        resumed.iter().for_each(validation::tell);
        proof.steps.extend(resumed);
    }
    let learned = match &proof.field_rules {
        Some(rules) => learn(call, destination, rules).await?,
        None => false,
    };
    Ok(wire::Proof {
        passed: proof.is_passed(),
        steps: proof.steps.iter().map(step_shape).collect(),
        mark: proof.mark,
        learned,
    })
}

/// Writes down with which settings a destination proved itself: offers go live on it. A look proves nothing.
async fn note(call: &Call, destination: &Destination, reach: Reach, is_passed: bool) -> Result<(), Problem> {
    let proved = match reach {
        Reach::Look => return Ok(()),
        Reach::WriteAndCleanUp | Reach::WriteAndKeep if !is_passed => Proved::Failed,
        Reach::WriteAndCleanUp => Proved::Validated,
        Reach::WriteAndKeep => Proved::TestLead,
    };
    let now = call.app.clock.wall();
    Ok(call.app.store.note_proof(lane(destination), destination.settings_no, proved, now).await?)
}

/// A destination that a fault paused has just taken a lead, so the others need not wait for the next probe. What a person
/// paused stays paused.
async fn resume(call: &Call, destination: &Destination) -> Result<Option<Step>, Problem> {
    let lane = lane(destination);
    let gate = call.app.store.gate(lane.clone()).await?;
    let Some(pause) = gate.pause() else { return Ok(None) };
    let title = "Let its leads go again";
    if pause.probe_at.is_none() {
        let message = "it stays paused, as a person or the destination itself asked for";
        let fix = "resume it with `leadwire destination resume`";
        return Ok(Some(Step::passed("resume", title, message).but(Verdict::Warned, &pause.cause, fix)));
    }
    change_gate(call, lane, Gate::Open).await?;
    done(call, Change::Made, "").await?;
    Ok(Some(Step::passed("resume", title, "it was paused by a fault, and is resumed")))
}

/// `POST /v1/destinations/{destination}/prepare`
pub(super) async fn prepare(call: Call) -> Result<Response, Problem> {
    told(&call, "prepare", prepared(&call)).await
}

async fn prepared(call: &Call) -> Result<wire::Proof, Problem> {
    let (_, destination) = find(call)?;
    let outlet = outlet(call, &destination)?;
    let moment = Moment { now: call.app.clock.wall() };
    let steps = match &outlet.connector {
        Ok(connector) => connector.prepare(moment, &outlet.egress).await.unwrap_or_default(),
        Err(problem) => {
            let step = Step::passed("settings", "Read the settings", problem.clone());
            vec![step.but(Verdict::Failed, "settings_unusable", "correct the settings")]
        }
    };
    let passed = steps.iter().all(|it| it.verdict != Verdict::Failed);
    let steps = steps.iter().map(step_shape).collect();
    outlet.count_aside(&call.app.store, &destination.publisher, &*call.app.clock).await;
    Ok(wire::Proof { passed, steps, mark: None, learned: false })
}

/// `POST /v1/destinations/{destination}/preview`
pub(super) async fn preview(call: Call) -> Result<Response, Problem> {
    let (_, destination) = find(&call)?;
    let wish: wire::PreviewWish = if call.body.is_empty() { Default::default() } else { call.json()? };
    let outlet = outlet(&call, &destination)?;
    let payload = match (&wish.touchpoint, &wish.lead) {
        (None, None) => test_payload(&call, &destination),
        (Some(id), None) => stored(&call, &destination, id).await?,
        (None, Some(lead)) => given(&call, &destination, lead)?,
        (Some(_), Some(_)) => {
            let fix = "give the id of a stored touchpoint, or a lead, not both";
            return Err(Refusal::new("/lead", "two_subjects", "two subjects are given", fix).into());
        }
    };
    let connector = outlet.connector.as_ref().map_err(|problem| {
        Refusal::new(
            "",
            "settings_unusable",
            format!("the settings cannot be used: {problem}"),
            "correct them",
        )
    })?;
    let preview = connector.preview(&[payload], Moment { now: call.app.clock.wall() });
    let requests = preview.requests.into_iter().map(|it| wire::PreviewedRequest {
        method: it.method,
        url: it.url,
        headers: it.headers.into_iter().map(|(name, value)| format!("{name}: {value}")).collect(),
        body: String::from_utf8_lossy(&it.body).into_owned(),
    });
    let shape = wire::Preview {
        requests: requests.collect(),
        notes: preview.notes,
        unsent: preview.unsent.iter().map(unsent_shape).collect(),
    };
    Ok(answer::json(StatusCode::OK, &shape))
}

/// `GET /v1/errors`
pub(super) async fn errors(call: Call) -> Result<Response, Problem> {
    let sought = call.query.get("text").map(|it| it.to_lowercase());
    let mut items = Vec::new();
    for kind in leadwire_connect::CONNECTORS {
        for known in kind.errors {
            let texts = known.texts.iter().copied();
            let mut names = texts.chain([known.code, known.cause, known.message]).map(str::to_lowercase);
            // Somebody pastes a whole message, of which the catalogue knows a part; or types a part of what it knows.
            let fits = |sought: &String| {
                names.any(|it| it.contains(sought.as_str()) || (it.len() > 2 && sought.contains(&it)))
            };
            if sought.as_ref().is_none_or(fits) {
                items.push(wire::KnownError {
                    kind: kind.name.to_owned(),
                    code: known.code.to_owned(),
                    cause: known.cause.to_owned(),
                    message: known.message.to_owned(),
                    fix: known.fix.to_owned(),
                    then: then(known.fault).to_owned(),
                });
            }
        }
    }
    Ok(answer::json(StatusCode::OK, &wire::List { items }))
}

/// What Leadwire does about it, for people.
fn then(fault: Fault) -> &'static str {
    match fault {
        Fault::RetryNow => "the lead is sent again at once, one time",
        Fault::RetryAfter(_) => "the lead is sent again later",
        Fault::HoldLane(_) => "the destination is left in peace for a while, then goes on",
        Fault::SmallerBatch => "the leads are sent again in smaller batches",
        Fault::RetryThenPause { .. } => "the lead is sent again a few times, then the destination is paused",
        Fault::Pause => "the destination is paused and tried again from time to time; its leads wait",
        Fault::Stop => "the destination is paused until somebody resumes it; its leads wait",
        Fault::Park => "this lead is put aside for a person; the others go on",
        Fault::Withhold => "this one is not sent, and says nothing of the destination",
    }
}

pub(super) fn outlet(call: &Call, destination: &Destination) -> Result<Arc<Outlet>, Problem> {
    call.app.directory.now().outlet(&lane(destination)).map(Arc::clone).ok_or_else(Problem::not_found)
}

pub(super) fn test_payload(call: &Call, destination: &Destination) -> Payload {
    let now = call.app.clock.wall();
    let setup = call.app.directory.now();
    let offer = setup.setup.offers.iter().find(|it| it.publisher == destination.publisher);
    let bits = call.app.ids.next(now);
    let offer = offer.map(|it| OfferRef { publisher: it.publisher.clone(), offer: it.id.clone() });
    proof::test_lead(&destination.publisher, destination.number, (offer, bits, now))
}

pub(super) async fn stored(call: &Call, destination: &Destination, id: &str) -> Result<Payload, Problem> {
    let bad = |error: leadwire_core::id::BadId| {
        Refusal::new("/touchpoint", "bad_id", "this is not a touchpoint's id", error.to_string())
    };
    let id = TouchpointId::parse(id).map_err(bad)?;
    let found = call.app.store.touchpoints(call.publisher(), vec![id]).await?;
    let found = found.into_iter().next().ok_or_else(Problem::not_found)?;
    payload(call, destination, found).await?.ok_or_else(|| {
        let fix = "choose another touchpoint; `leadwire doctor` looks at the store";
        Refusal::new("/touchpoint", "content_unreadable", "what came cannot be read any more", fix).into()
    })
}

/// A kept touchpoint as a connector is given it; none when it cannot be read any more.
pub(super) async fn payload(
    call: &Call,
    destination: &Destination,
    found: StoredTouchpoint,
) -> Result<Option<Payload>, Problem> {
    let publisher = call.publisher();
    let Ok(mut touchpoint) = bodies::read_back(&publisher, &found) else { return Ok(None) };
    if found.channel == Channel::Person {
        // What a person says of a lead is said of the customer as they are known now.
        touchpoint.customer =
            call.app.store.customer(publisher.clone(), found.lead).await?.unwrap_or_default();
    }
    let lead = call.app.store.lead(publisher.clone(), found.lead, 0).await?;
    Ok(Some(Payload {
        delivery: DeliveryId { touchpoint: found.id, destination: destination.number },
        publisher,
        lead: found.lead,
        received_at: found.received_at,
        touchpoint: Arc::new(touchpoint),
        attempt: 1,
        standing: lead.map_or_else(Default::default, |it| it.0.standing.seen()),
        message: None,
        mapping: None,
    }))
}

pub(super) fn given(
    call: &Call,
    destination: &Destination,
    lead: &Map<String, Value>,
) -> Result<Payload, Problem> {
    let text = serde_json::to_vec(lead).expect("what was read as JSON can be written");
    let json = json::parse(&text).map_err(|it| Problem::from(Refusal::from(it)))?;
    let touchpoint = Touchpoint::parse(&json).map_err(Problem::refused)?;
    let now = call.app.clock.wall();
    let id = TouchpointId::new(call.app.ids.next(now));
    let shown = call.app.directory.now().shown(&touchpoint);
    let mut standing = Standing::default();
    standing.fold(&leadwire_core::standing::said(&touchpoint, id, now, shown));
    Ok(Payload {
        delivery: DeliveryId { touchpoint: id, destination: destination.number },
        publisher: call.publisher(),
        lead: LeadId::new(id.bits()),
        received_at: now,
        standing: standing.seen(),
        touchpoint: Arc::new(touchpoint),
        attempt: 1,
        message: None,
        mapping: None,
    })
}

/// Keeps what the destination's metadata said of its fields, when it says something new. Settings that somebody changed
/// meanwhile are left alone: the next validation learns it.
async fn learn(call: &Call, destination: Destination, rules: &Value) -> Result<bool, Problem> {
    let name = "field_rules";
    let mut settings: Map<String, Value> = serde_json::from_str(&destination.settings).unwrap_or_default();
    if settings.get(name) == Some(rules) {
        return Ok(false);
    }
    settings.insert(name.to_owned(), rules.clone());
    let made = call.app.store.change_settings(destination, Value::Object(settings).to_string()).await?;
    let is_made = matches!(made, Change::Made);
    if is_made {
        done(call, made, "").await?;
    }
    Ok(is_made)
}

pub(crate) fn step_shape(it: &Step) -> wire::ProofStep {
    let verdict = match it.verdict {
        Verdict::Passed => "passed",
        Verdict::Warned => "warned",
        Verdict::Failed => "failed",
        Verdict::Skipped => "skipped",
    };
    wire::ProofStep {
        name: it.name.to_owned(),
        title: it.title.clone(),
        verdict: verdict.to_owned(),
        message: it.message.clone(),
        cause: it.cause.clone(),
        fix: it.fix.clone(),
        took_ms: u64::try_from(it.took.as_millis()).unwrap_or(u64::MAX),
    }
}

fn unsent_shape(it: &Tried) -> wire::Unsent {
    let then = match &it.outcome {
        Outcome::Done(_) => "it counts as delivered",
        Outcome::Unknown => "it is sent again later",
        Outcome::NotDone(fault) => then(*fault),
    };
    wire::Unsent {
        cause: it.evidence.cause.clone(),
        message: it.evidence.message.clone(),
        fix: it.evidence.fix.clone(),
        then: then.to_owned(),
    }
}
