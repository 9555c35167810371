//! Brings a batch into an org: a look at what is there, then the writes, then what a duplicate rule found.

use super::Salesforce;
use super::reply::{self, About, Existing, Sent, Verdict};
use super::request::{Call, RECORDS_MAX, Sort};
use super::session::Org;
use super::usage::{Reading, Usage};
use crate::egress::error::SendError;
use crate::egress::{Answer, Egress, Request};
use crate::group::{self, Group, Record};
use crate::token::Held;
use crate::{Delivered, Moment, Payload, record_id};
use bytes::Bytes;
use futures_util::future::join_all;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use leadwire_core::outcome::{Fault, Outcome, Tried};
use url::Url;

/// Most records whose match is asked for in one try, side by side; the others are asked for in smaller batches.
const MATCHES_MAX: usize = 10;
/// Most bytes of an answer about 200 records, each with what a duplicate rule has found.
const BATCH_ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Where a group stands.
enum Stand {
    Write(Sort),
    Said(Tried),
}

impl Salesforce {
    pub(super) async fn bring(&self, batch: &[Payload], moment: Moment, egress: &Egress) -> Delivered {
        let mut tried: Vec<Option<Tried>> = vec![None; batch.len()];
        let groups = self.gather(batch, &mut tried);
        let mut calls = 0;
        for groups in groups.chunks(RECORDS_MAX) {
            let all = match self.write(groups, moment, egress, &mut calls).await {
                Ok(all) => all,
                Err(one) => vec![*one; groups.len()],
            };
            group::spread(groups, all, &mut tried);
        }
        let mut tried = group::settled(tried);
        self.write_notes(batch, &mut tried, (moment, egress), &mut calls).await;
        Delivered { tried, calls }
    }

    /// One group for each lead, oldest touchpoint first; what cannot be mapped gets its outcome here.
    pub(super) fn gather(&self, batch: &[Payload], tried: &mut [Option<Tried>]) -> Vec<Group> {
        group::gather(batch, tried, |it| Ok((record_id::text(it), self.map.apply(it)?)))
    }

    async fn write(
        &self,
        groups: &[Group],
        moment: Moment,
        egress: &Egress,
        calls: &mut u32,
    ) -> Result<Vec<Tried>, Box<Tried>> {
        if let Reading::Held(usage) = self.gauge.reading(moment.now) {
            return Err(Box::new(self.gauge.hold(usage)));
        }
        let held = self.session.get(moment.now, egress, calls).await?;
        let way = Way { held: &held, moment, egress };
        self.read_gauge_again(&way, calls).await?;
        let mut stands = self.stands(groups, &way, calls).await?;
        for sort in [Sort::Whole, Sort::Owned] {
            let chosen: Vec<usize> = (0..groups.len())
                .filter(|it| matches!(stands[*it], Stand::Write(wanted) if wanted == sort))
                .collect();
            if chosen.is_empty() {
                continue;
            }
            let chosen_groups: Vec<&Group> = chosen.iter().map(|it| &groups[*it]).collect();
            let (said, went_through) = self.write_sort(&chosen_groups, sort, &way, calls).await;
            let first = said.first().cloned();
            for (place, tried) in chosen.into_iter().zip(said) {
                stands[place] = Stand::Said(tried);
            }
            if let Some(refused) = first.filter(|_| !went_through) {
                // The rest would be refused in the same way, and was not sent.
                let rest = reply::not_written(refused);
                for stand in &mut stands {
                    if matches!(stand, Stand::Write(_)) {
                        *stand = Stand::Said(rest.clone());
                    }
                }
            }
        }
        let said = stands.into_iter().map(|it| match it {
            Stand::Said(tried) => tried,
            Stand::Write(_) => unreachable!("both sorts were written"),
        });
        Ok(said.collect())
    }

    /// When too much of the day was used a while ago, asks how much it is now, before anything is written.
    async fn read_gauge_again(&self, way: &Way<'_>, calls: &mut u32) -> Result<(), Box<Tried>> {
        if self.gauge.reading(way.moment.now) != Reading::Stale {
            return Ok(());
        }
        let call = Call::get(format!("{}/", self.shape.root()));
        *calls += 1;
        let (answer, usage) = self.call(way, call).await.map_err(|it| reply::not_written(it.tried()))?;
        if !answer.status.is_success() {
            return Err(Box::new(reply::not_written(reply::read_refusal(&answer, &[], &self.about(way)))));
        }
        usage.map_or(Ok(()), |usage| Err(Box::new(self.gauge.hold(usage))))
    }

    /// Which groups are written, and how. Only leads that may be there are looked up.
    async fn stands(
        &self,
        groups: &[Group],
        way: &Way<'_>,
        calls: &mut u32,
    ) -> Result<Vec<Stand>, Box<Tried>> {
        let is_looked_up = |it: &&Group| !it.is_first && !self.overwrites;
        if !groups.iter().any(|it| is_looked_up(&it)) {
            return Ok(groups.iter().map(|_| Stand::Write(Sort::Whole)).collect());
        }
        let keys = groups.iter().filter(is_looked_up).map(|it| &*it.record.key);
        *calls += 1;
        let looked = self.call(way, self.shape.look_up(keys)).await;
        let (answer, usage) = looked.map_err(|it| reply::not_written(it.tried()))?;
        if let Some(usage) = usage {
            return Err(Box::new(self.gauge.hold(usage)));
        }
        let found = reply::read_look_up(&answer, &self.about(way))?;
        let stand = |group: &Group| {
            if group.is_first || self.overwrites {
                return Stand::Write(Sort::Whole);
            }
            match found.get(&group.record.key) {
                None => Stand::Write(Sort::Whole),
                Some(Existing { id, is_converted: true }) => {
                    let message = "the lead was converted there, and is left alone";
                    Stand::Said(reply::done(&answer, Some(id), "lead_converted", message))
                }
                Some(_) if group.record.has_owned() => Stand::Write(Sort::Owned),
                Some(Existing { id, is_converted: false }) => {
                    let message = "the lead is there already, and no mapped field is written a second time";
                    Stand::Said(reply::done(&answer, Some(id), "already_there", message))
                }
            }
        };
        Ok(groups.iter().map(stand).collect())
    }

    /// Writes groups in one call, and says whether the call went through, whatever came of each record.
    async fn write_sort(
        &self,
        groups: &[&Group],
        sort: Sort,
        way: &Way<'_>,
        calls: &mut u32,
    ) -> (Vec<Tried>, bool) {
        let records: Vec<&Record> = groups.iter().map(|it| &it.record).collect();
        *calls += 1;
        let (answer, _) = match self.call(way, self.shape.upsert(&records, sort)).await {
            Ok(answer) => answer,
            Err(error) => return (vec![error.tried(); groups.len()], false),
        };
        let known: Vec<Vec<&str>> =
            groups.iter().map(|it| it.known.iter().map(String::as_str).collect()).collect();
        let sent: Vec<Sent<'_>> = known.iter().map(|known| Sent { sort, known }).collect();
        let verdicts = reply::read_batch(&answer, &sent, &self.about(way));
        let asked = verdicts.iter().enumerate().filter(|it| matches!(it.1, Verdict::AskForMatch(_)));
        let asked: Vec<usize> = asked.map(|it| it.0).collect();
        let matches = asked
            .iter()
            .take(MATCHES_MAX)
            .map(|at| async { (*at, self.call(way, self.shape.upsert_one(records[*at], sort)).await) });
        let matches = join_all(matches).await;
        *calls += u32::try_from(matches.len()).expect("a handful");
        let mut tried: Vec<Tried> = verdicts.into_iter().map(Verdict::into_tried).collect();
        for (at, answer) in matches {
            tried[at] = match answer {
                Ok((answer, _)) => reply::read_single(&answer, &sent[at], &self.about(way)).into_tried(),
                Err(error) => error.tried(),
            };
        }
        for at in asked.into_iter().skip(MATCHES_MAX) {
            tried[at].outcome = Outcome::NotDone(Fault::SmallerBatch);
        }
        (tried, answer.status.is_success())
    }

    pub(super) fn about<'a>(&'a self, way: &Way<'_>) -> About<'a> {
        About { age: way.held.age, key_field: &self.shape.key_field, duplicates: self.shape.duplicates }
    }

    /// Makes a call with the token, and reads how much of the day is used: too much, or not.
    pub(super) async fn call(
        &self,
        way: &Way<'_>,
        call: Call,
    ) -> Result<(Answer, Option<Usage>), Box<SendError>> {
        self.call_within(way, call, BATCH_ANSWER_BYTES_MAX).await
    }

    /// The same, with an answer of at most so many bytes.
    pub(super) async fn call_within(
        &self,
        way: &Way<'_>,
        call: Call,
        answer_bytes_max: usize,
    ) -> Result<(Answer, Option<Usage>), Box<SendError>> {
        let mut request = self.request(&way.held.more.url, &way.held.header, call);
        request.answer_bytes_max = answer_bytes_max;
        let answer = way.egress.send(request).await?;
        if answer.status.as_u16() == 401 {
            self.session.forget(way.held.age).await;
        }
        let usage = self.gauge.note(&answer.headers, way.moment.now);
        Ok((answer, usage))
    }

    pub(super) fn request(&self, base: &Url, token: &HeaderValue, call: Call) -> Request {
        let mut url = base.clone();
        let (path, query) = call.path.split_once('?').map_or((&*call.path, None), |it| (it.0, Some(it.1)));
        url.set_path(path);
        url.set_query(query);
        let mut headers = call.headers;
        headers.insert(AUTHORIZATION, token.clone());
        let mut request = Request::new(call.method, url, headers, Bytes::from(call.body));
        request.wait = self.wait;
        request.answer_bytes_max = BATCH_ANSWER_BYTES_MAX;
        request
    }
}

/// What every call of a try has in common.
pub(super) struct Way<'a> {
    pub(super) held: &'a Held<Org>,
    pub(super) moment: Moment,
    pub(super) egress: &'a Egress,
}
