//! The steps of a bulk job: each is some calls to the store, and to the service at most one handing over or one look.

use super::attempt::{broken, too_slow};
use super::handover::Handover;
use super::payload;
use crate::clock::Clock;
use crate::directory::{Directory, Outlet};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use leadwire_connect::bulk::{Bulk, Looked, Results, Sent};
use leadwire_connect::egress::Egress;
use leadwire_connect::{Moment, Payload};
use leadwire_core::budget::Allotment;
use leadwire_core::bulk::{Job, Stage, Way, Whom, choose, look_again_at};
use leadwire_core::id::{LeadId, TouchpointId};
use leadwire_core::lane::{Claim, LaneToken};
use leadwire_core::limits;
use leadwire_core::outcome::Tried;
use leadwire_core::time::Timestamp;
use leadwire_store::bulk::{JobEnd, Seen};
use leadwire_store::lanes::LaneKey;
use leadwire_store::{Store, StoreError};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What a step came to.
pub(super) enum Done {
    /// The lease was lost, or the job is not what it was.
    LeaseLost,
    /// Batches bring the backlog.
    Batches,
    /// A job should be begun, of these.
    Wanted(Whom),
    /// There are no calls to begin it with before this moment.
    NoCalls(Timestamp),
    /// There is too little for a job after all.
    TooLittle,
    /// A job of this name is ready to be handed over.
    Sealed(String, Vec<Payload>),
    /// It is handed over, or may be; or it is not over yet.
    Away(Job),
    /// It was not taken.
    Refused(Box<Tried>),
    /// It is over.
    Ended(Results),
    /// These left it.
    Left(Vec<Claim>, JobEnd),
    /// Some went back.
    BackAgain(JobEnd),
}

/// What steps need.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) key: LaneKey,
    pub(super) token: LaneToken,
    pub(super) store: Store,
    pub(super) directory: Arc<Directory>,
    pub(super) handover: Arc<Handover>,
    pub(super) clock: Arc<dyn Clock>,
}

type Step = BoxFuture<'static, Result<Done, StoreError>>;

/// Does it once more for as long as the store is busy or full: nothing was stored.
macro_rules! again {
    ($desk:expr, $call:expr) => {
        loop {
            match $call.await {
                Err(StoreError::Busy | StoreError::Full) => {
                    $desk.clock.wait_until($desk.now().plus(limits::LANE_AGAIN)).await;
                }
                said => break said,
            }
        }
    };
}

fn face(outlet: &Outlet) -> Option<&dyn Bulk> {
    outlet.connector.as_ref().ok()?.bulk()
}

impl Desk {
    fn now(&self) -> Timestamp {
        self.clock.steady()
    }

    fn moment(&self) -> Moment {
        Moment { now: self.clock.wall() }
    }

    fn held(&self) -> (LaneKey, LaneToken) {
        (self.key.clone(), self.token)
    }

    pub(super) async fn kept(&self) -> Result<Option<(Job, Vec<LeadId>)>, StoreError> {
        again!(self, self.store.bulk_job(self.key.clone()))
    }

    /// Whether a job is worth it.
    pub(super) fn plan(&self, outlet: Arc<Outlet>) -> Step {
        let desk = self.clone();
        async move {
            let (Some(budget), Some(face)) = (&outlet.budget, face(&outlet)) else {
                return Ok(Done::Batches);
            };
            let now = desk.now();
            let seen = again!(desk, desk.store.bulk_backlog(desk.key.clone(), Arc::clone(budget), now))?;
            let Seen::Much(backlog, counts) = seen else { return Ok(Done::Batches) };
            let way = choose((budget, &counts), backlog, (face.calls(), outlet.batch_max()), now);
            Ok(match way {
                Way::Batches => Done::Batches,
                Way::Job(whom) => Done::Wanted(whom),
            })
        }
        .boxed()
    }

    /// Gathers a job, opens it at the service, and seals it. Nothing of it is sent.
    pub(super) fn begin(&self, outlet: Arc<Outlet>, whom: Whom) -> Step {
        let desk = self.clone();
        async move {
            let Some(face) = face(&outlet) else { return Ok(Done::Batches) };
            let allotment = match desk.reserve(&outlet, face.calls()).await? {
                Ok(allotment) => allotment,
                Err(at) => return Ok(Done::NoCalls(at)),
            };
            let gathered = desk.gather(face, whom).await?;
            let Some((batch, left_out)) = gathered else { return Ok(Done::LeaseLost) };
            if batch.len() < limits::BULK_LEAST {
                desk.settle(allotment, (0, Vec::new())).await?;
                return Ok(Done::TooLittle);
            }
            let (egress, meter) = outlet.metered(allotment.as_ref());
            let opened =
                within(face.open(desk.moment(), &egress)).await.unwrap_or_else(|it| Err(Box::new(it)));
            desk.settle(allotment, meter.take()).await?;
            let handle = match opened {
                Ok(handle) => handle,
                Err(tried) => return Ok(Done::Refused(tried)),
            };
            desk.seal(handle, batch, left_out).await
        }
        .boxed()
    }

    async fn gather(
        &self,
        face: &dyn Bulk,
        whom: Whom,
    ) -> Result<Option<(Vec<Payload>, Vec<TouchpointId>)>, StoreError> {
        let (mut batch, mut left_out, mut bytes) = (Vec::new(), Vec::new(), 0);
        while batch.len() + left_out.len() < limits::BULK_MOST && bytes < limits::BULK_BYTES_MAX {
            let now = self.now();
            let claims = again!(self, self.store.gather_bulk_job(self.held(), limits::BULK_STEP, whom, now))?;
            let Some(claims) = claims else { return Ok(None) };
            if claims.is_empty() {
                break;
            }
            let at_hand = (&*self.handover, &*self.directory);
            let ready = payload::load(&self.store, at_hand, &self.key, claims).await?;
            for (claim, content) in ready {
                // What cannot be read, or mapped, is told so by batches.
                let weight = content.as_ref().ok().and_then(|it| face.weigh(it));
                let weight = weight.filter(|it| bytes + it <= limits::BULK_BYTES_MAX);
                match (content, weight) {
                    (Ok(payload), Some(weight)) => {
                        bytes += weight;
                        batch.push(payload);
                    }
                    (Ok(_) | Err(_), _) => left_out.push(claim.touchpoint),
                }
            }
        }
        Ok(Some((batch, left_out)))
    }

    async fn seal(
        &self,
        handle: String,
        mut batch: Vec<Payload>,
        left_out: Vec<TouchpointId>,
    ) -> Result<Done, StoreError> {
        let left_out: Arc<[TouchpointId]> = left_out.into();
        let sealed = again!(
            self,
            self.store.seal_bulk_job(self.held(), handle.clone(), Arc::clone(&left_out), self.now())
        )?;
        let Some(sealed) = sealed else { return Ok(Done::LeaseLost) };
        batch.retain(|it| !sealed.dropped.contains(&it.delivery.touchpoint));
        Ok(match sealed.end {
            JobEnd::Over => Done::BackAgain(JobEnd::Over),
            JobEnd::NotYet => Done::Sealed(handle, batch),
        })
    }

    /// Hands a job over.
    pub(super) fn send(&self, outlet: Arc<Outlet>, handle: String, batch: Vec<Payload>) -> Step {
        let desk = self.clone();
        async move {
            let Some(face) = face(&outlet) else { return Ok(Done::TooLittle) };
            let Ok(allotment) = desk.reserve(&outlet, face.calls()).await? else {
                return Ok(Done::TooLittle);
            };
            let (egress, meter) = outlet.metered(allotment.as_ref());
            let sent = within(face.send(&handle, &batch, desk.moment(), &egress)).await;
            desk.settle(allotment, meter.take()).await?;
            let (stage, handle) = match sent.unwrap_or_else(|it| Sent::Unknown(Box::new(it))) {
                Sent::Taken(handle) => (Stage::Running, handle),
                Sent::Refused(tried) => return Ok(Done::Refused(tried)),
                Sent::Unknown(_) => (Stage::Sending, handle),
            };
            let now = desk.now();
            let job = Job { stage, handle, begun_at: now, looks: 0, look_at: look_again_at(0, now) };
            desk.keep(job).await
        }
        .boxed()
    }

    /// Asks how far a job is. Its calls are counted after they were made: they are few, and what waits for them is done already.
    pub(super) fn look(&self, outlet: Arc<Outlet>, job: Job) -> Step {
        let desk = self.clone();
        async move {
            let (egress, meter) = outlet.metered(None);
            let looked = match face(&outlet) {
                Some(face) => looked(face, &job, desk.moment(), &egress).await,
                None => Looked::Running,
            };
            if let Some(budget) = &outlet.budget {
                let (publisher, spent, now) = (&desk.key.publisher, meter.take(), desk.now());
                again!(
                    desk,
                    desk.store.spend_calls(publisher.clone(), Arc::clone(budget), spent.clone(), now)
                )?;
            }
            match looked {
                Looked::Ended(results) => Ok(Done::Ended(results)),
                Looked::Running | Looked::Failed(_) => {
                    let looks = job.looks.saturating_add(1);
                    let look_at = look_again_at(looks, desk.now());
                    desk.keep(Job { looks, look_at, ..job }).await
                }
            }
        }
        .boxed()
    }

    async fn keep(&self, job: Job) -> Result<Done, StoreError> {
        let kept = again!(self, self.store.keep_bulk_job(self.key.clone(), self.token, job.clone()))?;
        Ok(if kept { Done::Away(job) } else { Done::LeaseLost })
    }

    /// Takes some deliveries out of a job that is over.
    pub(super) fn leave(&self, is_unknown: bool) -> Step {
        let desk = self.clone();
        async move {
            let now = desk.now();
            let left =
                again!(desk, desk.store.leave_bulk_job(desk.held(), limits::BULK_STEP, is_unknown, now))?;
            Ok(left.map_or(Done::LeaseLost, |it| Done::Left(it.claims, it.end)))
        }
        .boxed()
    }

    /// Puts some deliveries back of a job that was not sent.
    pub(super) fn put_back(&self) -> Step {
        let desk = self.clone();
        async move {
            let now = desk.now();
            let end = again!(desk, desk.store.put_back_bulk_job(desk.held(), limits::BULK_STEP, now))?;
            Ok(end.map_or(Done::LeaseLost, Done::BackAgain))
        }
        .boxed()
    }

    async fn reserve(
        &self,
        outlet: &Outlet,
        calls: u32,
    ) -> Result<Result<Option<Allotment>, Timestamp>, StoreError> {
        let Some(budget) = &outlet.budget else { return Ok(Ok(None)) };
        let publisher = &self.key.publisher;
        let reserved =
            again!(self, self.store.reserve_calls(publisher.clone(), Arc::clone(budget), calls, self.now()))?;
        Ok(reserved.map(Some))
    }

    async fn settle(
        &self,
        allotment: Option<Allotment>,
        spent: (u32, Vec<leadwire_core::budget::Told>),
    ) -> Result<(), StoreError> {
        let Some(allotment) = allotment else { return Ok(()) };
        let publisher = &self.key.publisher;
        again!(self, self.store.settle_calls(publisher.clone(), allotment.clone(), spent.clone(), self.now()))
    }
}

async fn looked(face: &dyn Bulk, job: &Job, moment: Moment, egress: &Egress) -> Looked {
    let looked = within(face.look(&job.handle, moment, egress)).await;
    looked.unwrap_or_else(|it| Looked::Failed(Box::new(it)))
}

/// Whatever happens inside stays inside, and ends.
async fn within<T>(asking: BoxFuture<'_, T>) -> Result<T, Tried> {
    match tokio::time::timeout(limits::ATTEMPT_WAIT, AssertUnwindSafe(asking).catch_unwind()).await {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(_)) => Err(broken("connector_panicked", "the connector failed inside")),
        Err(_) => Err(too_slow()),
    }
}
