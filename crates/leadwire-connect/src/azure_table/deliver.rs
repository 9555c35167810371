//! Brings a batch into the table: a look at what may be there, then transactions, and again without what was refused.

use super::AzureTable;
use super::entity::{Entity, Keys};
use super::reply::{self, About, Came, Refused};
use super::request::{BATCH_MAX, Draft, Pass, Place, Verb};
use super::sign_in::Signed;
use crate::egress::error::SendError;
use crate::egress::{Answer, Egress};
use crate::{Delivered, Moment, Payload};
use futures_util::future::join_all;
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};

/// Most times a transaction is sent in one attempt, each time without a row that was refused; the rows that are left
/// then go in smaller batches.
const ROUNDS_MAX: usize = 8;
/// Most partitions in one attempt, whose time is bounded: each is a call or more. Leads of one day share one.
const PARTITIONS_MAX: usize = 20;
/// Most pages of a look.
const PAGES_MAX: usize = 3;
/// Rows sent side by side where transactions are not permitted; the others are asked for in smaller batches.
pub(super) const SINGLES_MAX: usize = 20;

impl AzureTable {
    pub(super) async fn bring(&self, batch: &[Payload], moment: Moment, egress: &Egress) -> Delivered {
        let mut tried: Vec<Option<Tried>> = vec![None; batch.len()];
        let entities = self.gather(batch, &mut tried);
        let calls = AtomicU32::new(0);
        let fates = match self.sign_in.signed(moment.now, egress, &calls).await {
            Ok(signed) => {
                let trip = Trip { azure: self, signed, moment, egress, calls: &calls };
                trip.go(&entities).await
            }
            Err(refused) => vec![*refused; entities.len()],
        };
        for (entity, fate) in entities.iter().zip(fates) {
            for place in &entity.places {
                tried[*place] = Some(fate.clone());
            }
        }
        let tried =
            tried.into_iter().map(|it| it.expect("every payload became a row or could not be mapped"));
        Delivered { tried: tried.collect(), calls: calls.load(Ordering::Relaxed) }
    }

    /// One row for each lead, oldest touchpoint first; what cannot be mapped gets its outcome here.
    pub(super) fn gather(&self, batch: &[Payload], tried: &mut [Option<Tried>]) -> Vec<Entity> {
        let mut places: Vec<usize> = (0..batch.len()).collect();
        places.sort_by_key(|it| batch[*it].delivery.touchpoint);
        let mut entities: Vec<Entity> = Vec::new();
        let mut by_row: HashMap<String, usize> = HashMap::new();
        for place in places {
            let payload = &batch[place];
            match self.map.apply(payload) {
                Err(parked) => tried[place] = Some(*parked),
                Ok(mapped) => {
                    let keys = Keys::of(payload, self.partition);
                    let at = *by_row.entry(keys.row.clone()).or_insert_with(|| {
                        entities.push(Entity::new(keys));
                        entities.len() - 1
                    });
                    entities[at].add(place, payload, &mapped, self.packs_customer);
                }
            }
        }
        entities
    }
}

/// Operations of one partition: what to do, and which row.
type Work = Vec<(Verb, usize)>;

/// The calls of one attempt.
pub(super) struct Trip<'a> {
    pub(super) azure: &'a AzureTable,
    pub(super) signed: Signed<'a>,
    pub(super) moment: Moment,
    pub(super) egress: &'a Egress,
    pub(super) calls: &'a AtomicU32,
}

impl Trip<'_> {
    /// What came of every row, in their order.
    async fn go(&self, entities: &[Entity]) -> Vec<Tried> {
        let mut fates: Vec<Option<Tried>> = vec![None; entities.len()];
        let mut partitions: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, entity) in entities.iter().enumerate() {
            partitions.entry(&entity.keys.partition).or_default().push(at);
        }
        let mut stopped: Option<Tried> = None;
        for (at, rows) in partitions.into_values().enumerate() {
            if at >= PARTITIONS_MAX && stopped.is_none() {
                let work: Work = rows.into_iter().map(|it| (Verb::Insert, it)).collect();
                failed(
                    &work,
                    sent_later("the leads are of many days, so they go in smaller batches"),
                    &mut fates,
                );
            } else if stopped.is_none() {
                stopped = self.partition(entities, rows, &mut fates).await.err().map(|it| *it);
            }
        }
        // What came after a failure of the service was not sent.
        let rest = stopped.map(reply::not_written);
        let fate = |it: Option<Tried>| it.or_else(|| rest.clone()).expect("every row was dealt with");
        fates.into_iter().map(fate).collect()
    }

    /// Writes the rows of one partition. An error is about the service, and is every other row's too.
    async fn partition(
        &self,
        entities: &[Entity],
        rows: Vec<usize>,
        fates: &mut [Option<Tried>],
    ) -> Result<(), Box<Tried>> {
        let mut work: Work = rows.into_iter().map(|it| (Verb::Insert, it)).collect();
        // A row alone is tried at once: a refusal says as much as a look.
        if work.len() > 1 && work.iter().any(|it| !entities[it.1].is_first) {
            self.look(entities, &mut work, fates).await?;
        }
        let (mut chunk, mut bytes): (Work, usize) = (Vec::new(), 0);
        for (verb, row) in work {
            let more = Place::operation_bytes(verb, &entities[row]);
            let is_full = chunk.len() == BATCH_MAX || bytes + more > self.azure.place.batch_bytes_max();
            if is_full && !chunk.is_empty() {
                self.write(entities, std::mem::take(&mut chunk), fates).await?;
                bytes = 0;
            }
            chunk.push((verb, row));
            bytes += more;
        }
        self.write(entities, chunk, fates).await
    }

    /// Finds out which rows that are to be made are there: they get what is Leadwire's own, or nothing. A signature that may
    /// not read leaves it to the writing.
    async fn look(
        &self,
        entities: &[Entity],
        work: &mut Work,
        fates: &mut [Option<Tried>],
    ) -> Result<(), Box<Tried>> {
        if !self.azure.sign_in.may_read() {
            return Ok(());
        }
        let inserts = || work.iter().filter(|it| it.0 == Verb::Insert).map(|it| &entities[it.1].keys);
        let (Some(first), Some(last)) = (inserts().min(), inserts().max()) else { return Ok(()) };
        let mut there: HashSet<String> = HashSet::new();
        let mut next: Option<Keys> = None;
        for _ in 0..PAGES_MAX {
            let answer = self.call(self.azure.place.look(first, last, next.as_ref())).await;
            let answer = answer.map_err(|it| Box::new(reply::not_written(it.tried())))?;
            if answer.status.as_u16() == 404 {
                // No table, no rows; the writing deals with it.
                break;
            }
            let page = reply::page(&answer, &self.about(&[])).map_err(|it| self.explained(it))?;
            there.extend(page.keys);
            next = page.next.map(|(partition, row)| Keys { partition, row });
            if next.is_none() {
                break;
            }
        }
        for (verb, row) in std::mem::take(work) {
            if verb == Verb::Insert && there.contains(&entities[row].keys.row) {
                self.is_there(&entities[row], row, work, fates);
            } else {
                work.push((verb, row));
            }
        }
        Ok(())
    }

    /// Deals with a row that is there already: people may have edited it.
    fn is_there(&self, entity: &Entity, row: usize, work: &mut Work, fates: &mut [Option<Tried>]) {
        if entity.has_own() && !entity.is_first && self.azure.sign_in.may_update() {
            work.push((Verb::Merge, row));
        } else {
            fates[row] = Some(reply::done(entity, "the row was there already"));
        }
    }

    /// Writes a chunk in one transaction; what is refused leaves it, and the others are sent again.
    async fn write(
        &self,
        entities: &[Entity],
        mut work: Work,
        fates: &mut [Option<Tried>],
    ) -> Result<(), Box<Tried>> {
        let (mut may_create, mut may_look) = (self.azure.creates_table, true);
        for _ in 0..ROUNDS_MAX {
            if work.is_empty() {
                return Ok(());
            }
            if work.len() > 1 && self.azure.sends_singly() {
                return self.singly(entities, work, fates).await;
            }
            match self.send(entities, &work).await {
                Came::All => {
                    written(entities, &work, fates);
                    return Ok(());
                }
                Came::NoTable(_) if may_create => {
                    may_create = false;
                    self.create_table().await?;
                }
                Came::NoTable(tried) => return Err(failed(&work, *tried, fates)),
                Came::But(at, refused) => {
                    let (verb, row) = work.remove(at);
                    match refused {
                        Refused::Exists if verb == Verb::Insert => {
                            self.is_there(&entities[row], row, &mut work, fates);
                            // Where one is, many may be, as after a restored backup.
                            if std::mem::take(&mut may_look) && work.len() > 1 {
                                self.look(entities, &mut work, fates).await?;
                            }
                        }
                        Refused::Exists => {
                            fates[row] = Some(reply::done(&entities[row], "the row was there already"));
                        }
                        Refused::Other(tried) => fates[row] = Some(*tried),
                    }
                }
                Came::Whole(tried) if is_only_for_batches(&tried) && self.azure.may_send_singly(&work) => {
                    return self.singly(entities, work, fates).await;
                }
                Came::Whole(tried) => {
                    let tried = *self.explained(tried);
                    let is_about_rows =
                        matches!(tried.outcome, Outcome::NotDone(Fault::SmallerBatch | Fault::Park));
                    let failed = failed(&work, tried, fates);
                    return if is_about_rows { Ok(()) } else { Err(failed) };
                }
            }
        }
        failed(&work, sent_later("several rows of the transaction were refused one after the other"), fates);
        Ok(())
    }

    /// Writes rows side by side, each in a call of its own: the signature permits no transaction.
    async fn singly(
        &self,
        entities: &[Entity],
        mut work: Work,
        fates: &mut [Option<Tried>],
    ) -> Result<(), Box<Tried>> {
        let rest = work.split_off(work.len().min(SINGLES_MAX));
        let mut stopped = None;
        let sent = work.iter().map(|it| async move { (*it, self.send(entities, &[*it]).await) });
        for ((verb, row), came) in join_all(sent).await {
            match came {
                Came::All => {
                    self.azure.note_singles_work();
                    written(entities, &[(verb, row)], fates);
                }
                Came::But(_, Refused::Exists) => {
                    let mut again = Vec::new();
                    self.is_there(&entities[row], row, &mut again, fates);
                    if !again.is_empty() {
                        match self.send(entities, &again).await {
                            Came::All => written(entities, &again, fates),
                            Came::But(_, Refused::Exists) => {}
                            Came::But(_, Refused::Other(tried))
                            | Came::NoTable(tried)
                            | Came::Whole(tried) => {
                                fates[row] = Some(*self.explained(tried));
                            }
                        }
                    }
                }
                Came::But(_, Refused::Other(tried)) => fates[row] = Some(*tried),
                Came::NoTable(tried) | Came::Whole(tried) => {
                    let tried = self.explained(tried);
                    fates[row] = Some((*tried).clone());
                    stopped = Some(tried);
                }
            }
        }
        let message =
            "the signature permits no transaction, so rows are sent singly, a few at a time".to_owned();
        let evidence = Evidence { cause: "batch_refused".to_owned(), message, ..Evidence::default() };
        failed(&rest, Tried { outcome: Outcome::NotDone(Fault::SmallerBatch), evidence }, fates);
        stopped.map_or(Ok(()), Err)
    }

    /// One operation as a call of its own, several as a transaction.
    async fn send(&self, entities: &[Entity], work: &[(Verb, usize)]) -> Came {
        let verbs: Vec<Verb> = work.iter().map(|it| it.0).collect();
        let rows: Vec<(Verb, &Entity)> = work.iter().map(|(verb, row)| (*verb, &entities[*row])).collect();
        let known: Vec<&str> = rows.iter().flat_map(|it| it.1.known.iter().map(String::as_str)).collect();
        let draft = match rows.as_slice() {
            [(verb, entity)] => self.azure.place.single(*verb, entity),
            rows => self.azure.place.batch(rows),
        };
        match self.call(draft).await {
            Ok(answer) if rows.len() == 1 => reply::single(&answer, verbs[0], &self.about(&known)),
            Ok(answer) => reply::transaction(&answer, &verbs, &self.about(&known)),
            Err(error) => Came::Whole(Box::new(error.tried())),
        }
    }

    /// Creates the table. That it is there meanwhile is as good.
    pub(super) async fn create_table(&self) -> Result<(), Box<Tried>> {
        let answer = self.call(self.azure.place.create_table()).await;
        let answer = answer.map_err(|it| Box::new(reply::not_written(it.tried())))?;
        if answer.status.is_success() || reply::code(&answer) == "TableAlreadyExists" {
            return Ok(());
        }
        Err(self.explained(Box::new(reply::not_written(reply::refused(&answer, &self.about(&[]))))))
    }

    pub(super) fn about<'b>(&self, known: &'b [&'b str]) -> About<'b> {
        About { known, age: self.signed.age, now: self.moment.now }
    }

    /// Makes a call, and drops a token that was refused.
    pub(super) async fn call(&self, draft: Draft) -> Result<Answer, Box<SendError>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let request = self.azure.place.signed(draft, &self.signed.pass, self.moment.now);
        let answer = self.egress.send(request).await?;
        if answer.status.as_u16() == 401
            && let Some(age) = self.signed.age
        {
            self.azure.sign_in.forget(age).await;
        }
        Ok(answer)
    }

    /// Says it when a signature was refused because its time is over.
    pub(super) fn explained(&self, mut tried: Box<Tried>) -> Box<Tried> {
        let Pass::Sas(sas) = &self.signed.pass else { return tried };
        if tried.evidence.cause != "sign_in_refused" {
            return tried;
        }
        let now = self.moment.now;
        let (cause, message, fix) = if sas.ends_at().is_some_and(|it| it <= now) {
            ("sas_ended", "the shared access signature has ended", "make a new one and enter it")
        } else if sas.starts_at().is_some_and(|it| it > now) {
            let fix = "wait, or make one that starts earlier; and check the clock of this machine";
            ("sas_not_yet", "the shared access signature is not valid yet", fix)
        } else {
            return tried;
        };
        cause.clone_into(&mut tried.evidence.cause);
        message.clone_into(&mut tried.evidence.message);
        fix.clone_into(&mut tried.evidence.fix);
        tried
    }
}

fn written(entities: &[Entity], work: &[(Verb, usize)], fates: &mut [Option<Tried>]) {
    for (verb, row) in work {
        let message = match verb {
            Verb::Insert => "the row was made",
            Verb::Merge => "the row was updated",
        };
        fates[*row] = Some(reply::done(&entities[*row], message));
    }
}

/// What was left out of this attempt, to go in smaller batches.
fn sent_later(why: &str) -> Tried {
    let (cause, message) = ("batch_refused".to_owned(), why.to_owned());
    let evidence = Evidence { cause, message, ..Evidence::default() };
    Tried { outcome: Outcome::NotDone(Fault::SmallerBatch), evidence }
}

fn failed(work: &[(Verb, usize)], tried: Tried, fates: &mut [Option<Tried>]) -> Box<Tried> {
    for (_, row) in work {
        fates[*row] = Some(tried.clone());
    }
    Box::new(tried)
}

/// A refusal that a table's signature may earn for a transaction alone: unconfirmed of the service, seen of its emulator.
fn is_only_for_batches(tried: &Tried) -> bool {
    tried.evidence.http_status == Some(403)
}
