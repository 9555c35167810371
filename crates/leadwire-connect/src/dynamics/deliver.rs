//! Brings a batch into an environment: a look at leads that may be there, then what is missing, then what is Leadwire's own.

use super::Dynamics;
use super::reply::{self, About, Batch, Fate};
use super::request::{Act, Call, Key, batch_len};
use crate::egress::{Answer, Egress, Request};
use crate::group::{self, Group};
use crate::token::Held;
use crate::{Delivered, Moment, Payload, record_id};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Receipt, Tried};

/// Most bytes of an answer about a batch: every error with its annotations takes a few KB.
const BATCH_ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What is to be done about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stand {
    Look,
    Create,
    Update,
    Said(Tried),
}

/// What every request of a try has in common.
pub(super) struct Way<'a> {
    pub(super) held: &'a Held<()>,
    pub(super) moment: Moment,
    pub(super) egress: &'a Egress,
}

impl Dynamics {
    pub(super) async fn bring(&self, batch: &[Payload], moment: Moment, egress: &Egress) -> Delivered {
        let mut tried: Vec<Option<Tried>> = vec![None; batch.len()];
        let groups = self.gather(batch, &mut tried);
        let mut calls = 0;
        if !groups.is_empty() {
            let all = match self.sign_in.get(moment.now, egress, &mut calls).await {
                Ok(held) => self.write(&groups, &Way { held: &held, moment, egress }, &mut calls).await,
                Err(one) => vec![*one; groups.len()],
            };
            group::spread(&groups, all, &mut tried);
        }
        let mut tried = group::settled(tried);
        self.write_notes(batch, &mut tried, (moment, egress), &mut calls).await;
        Delivered { tried, calls }
    }

    /// One group for each lead, oldest touchpoint first; what cannot be mapped gets its outcome here.
    pub(super) fn gather(&self, batch: &[Payload], tried: &mut [Option<Tried>]) -> Vec<Group> {
        group::gather(batch, tried, |it| Ok((self.key(it), self.map.apply(it)?)))
    }

    /// What a lead is known by: its own id, or the value of the alternate key.
    pub(super) fn key(&self, payload: &Payload) -> String {
        match &self.shape.key {
            Key::LeadId => record_id::guid(payload),
            Key::Column(_) => record_id::text(payload),
        }
    }

    async fn write(&self, groups: &[Group], way: &Way<'_>, calls: &mut u32) -> Vec<Tried> {
        let update = if self.overwrites { Act::Whole } else { Act::Own };
        let first = |it: &Group| if it.is_first { Stand::Create } else { Stand::Look };
        let mut stands: Vec<Stand> = groups.iter().map(first).collect();
        // The second look is at leads that turned out to be there.
        let passes = [(Stand::Look, Act::Look), (Stand::Create, Act::Create), (Stand::Look, Act::Look)];
        for (wanted, act) in passes.into_iter().chain([(Stand::Update, update)]) {
            let chosen: Vec<usize> = (0..groups.len()).filter(|it| stands[*it] == wanted).collect();
            let refused = self.pass(groups, &chosen, act, &mut stands, way, calls).await;
            if let Some(refused) = refused {
                // The rest would be refused in the same way, and was not sent.
                let rest = reply::not_written(refused);
                for stand in &mut stands {
                    if !matches!(stand, Stand::Said(_)) {
                        *stand = Stand::Said(rest.clone());
                    }
                }
            }
        }
        let said = stands.into_iter().map(|it| match it {
            Stand::Said(tried) => tried,
            // Made by another after the first look, gone before the second.
            Stand::Look | Stand::Create | Stand::Update => gone(),
        });
        said.collect()
    }

    /// Sends one kind of request about some groups, as many at a time as fit. Some: the service takes no more now.
    async fn pass(
        &self,
        groups: &[Group],
        chosen: &[usize],
        act: Act,
        stands: &mut [Stand],
        way: &Way<'_>,
        calls: &mut u32,
    ) -> Option<Tried> {
        let all: Vec<Call> = chosen.iter().map(|it| self.shape.call(&groups[*it].record, act)).collect();
        let (mut left, mut places) = (&all[..], chosen);
        while !left.is_empty() {
            let (now, later) = left.split_at(batch_len(left));
            let (here, there) = places.split_at(now.len());
            (left, places) = (later, there);
            *calls += 1;
            let (fates, refused) = self.send(groups, here, now, act, way).await;
            for (place, fate) in here.iter().zip(fates) {
                stands[*place] = self.stand(&groups[*place], act, fate);
            }
            if refused.is_some() {
                return refused;
            }
        }
        None
    }

    async fn send(
        &self,
        groups: &[Group],
        places: &[usize],
        calls: &[Call],
        act: Act,
        way: &Way<'_>,
    ) -> (Vec<Fate>, Option<Tried>) {
        let settled = |tried: Tried| if act == Act::Look { reply::not_written(tried) } else { tried };
        let about = self.about(way);
        let answers = match way.egress.send(self.batch_request(calls, way)).await {
            Err(error) => Batch::Refused(error.tried()),
            Ok(answer) if calls.len() == 1 => Batch::Each(vec![Ok(answer)]),
            Ok(answer) => {
                self.forget_refused(&answer, way).await;
                reply::read_batch(&answer, calls.len(), &about)
            }
        };
        let answers = match answers {
            Batch::Each(answers) => answers,
            Batch::Refused(tried) => {
                let tried = settled(tried);
                return (vec![Fate::Other(tried.clone()); places.len()], Some(tried));
            }
        };
        let (mut fates, mut refused) = (Vec::new(), None);
        for (place, answer) in places.iter().zip(answers) {
            let fate = match answer {
                Err(tried) => Fate::Other(settled(*tried)),
                Ok(answer) => {
                    self.forget_refused(&answer, way).await;
                    let known: Vec<&str> = groups[*place].known.iter().map(String::as_str).collect();
                    match reply::read(&answer, act, &known, &about) {
                        Fate::Other(tried) => Fate::Other(settled(tried)),
                        fate => fate,
                    }
                }
            };
            if let Fate::Other(tried) = &fate
                && is_for_all(&tried.outcome)
            {
                refused = Some(tried.clone());
            }
            fates.push(fate);
        }
        (fates, refused)
    }

    /// What follows from what came of a request.
    fn stand(&self, group: &Group, act: Act, fate: Fate) -> Stand {
        let is_written = self.overwrites || group.record.has_owned();
        // The id of the row, where it is what the lead is known by, even if the answer does not repeat it.
        let known = |told: Option<String>| {
            told.or_else(|| (self.shape.key == Key::LeadId).then(|| group.record.key.clone()))
        };
        match (fate, act) {
            (Fate::Written(tried) | Fate::Other(tried), _) => Stand::Said(tried),
            (Fate::Missing, Act::Look) => Stand::Create,
            (Fate::Missing, Act::Create | Act::Own | Act::Whole) => Stand::Said(gone()),
            (Fate::Open(id), _) if !is_written => {
                let message = "the lead is there already, and no mapped field is written a second time";
                Stand::Said(there(known(id), "already_there", message))
            }
            (Fate::Open(_), Act::Look) => Stand::Update,
            (Fate::Open(_), Act::Create | Act::Own | Act::Whole) => Stand::Look,
            (Fate::Closed(id), _) => {
                let message = "the lead was qualified or disqualified there, and is left alone";
                Stand::Said(there(known(id), "lead_closed", message))
            }
        }
    }

    pub(super) fn about<'a>(&'a self, way: &Way<'_>) -> About<'a> {
        let key_column = match &self.shape.key {
            Key::LeadId => None,
            Key::Column(column) => Some(column.as_str()),
        };
        About { age: way.held.age, now: way.moment.now, key_column, duplicates: self.shape.duplicates }
    }

    /// Forgets a token that was refused.
    pub(super) async fn forget_refused(&self, answer: &Answer, way: &Way<'_>) {
        if answer.status.as_u16() == 401 {
            self.sign_in.forget(way.held.age).await;
        }
    }

    /// A batch, each of whose requests the service counts.
    pub(super) fn batch_request(&self, calls: &[Call], way: &Way<'_>) -> Request {
        let request = self.request(self.shape.batch(calls), &way.held.header);
        Request { calls: u32::try_from(calls.len()).unwrap_or(u32::MAX), ..request }
    }

    pub(super) fn request(&self, call: Call, token: &HeaderValue) -> Request {
        let mut url = self.url.clone();
        let (path, query) = call.path.split_once('?').map_or((&*call.path, None), |it| (it.0, Some(it.1)));
        url.set_path(path);
        url.set_query(query);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for name in ["odata-maxversion", "odata-version"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("4.0"));
        }
        for (name, value) in &call.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("the names are written in this folder");
            headers.insert(name, HeaderValue::from_str(value).expect("the values are made in this folder"));
        }
        let mut request = Request::new(call.method, url, headers, Bytes::from(call.body));
        request.wait = self.wait;
        request.answer_bytes_max = BATCH_ANSWER_BYTES_MAX;
        request
    }
}

/// Whether what came of one lead will come of every other now.
fn is_for_all(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::NotDone(Fault::RetryNow | Fault::HoldLane(_) | Fault::Pause))
}

fn there(id: Option<String>, cause: &str, message: &str) -> Tried {
    let receipt = id.map_or(Receipt::Accepted, |record| Receipt::Confirmed { record });
    let evidence = Evidence { cause: cause.to_owned(), message: message.to_owned(), ..Evidence::default() };
    Tried { outcome: Outcome::Done(receipt), evidence }
}

fn gone() -> Tried {
    let evidence = Evidence {
        cause: "record_gone".to_owned(),
        message: "the lead was deleted there just now; it is made anew".to_owned(),
        ..Evidence::default()
    };
    Tried { outcome: Outcome::NotDone(Fault::RetryAfter(None)), evidence }
}
