//! Brings a batch into Marketo: makes who is not there, and writes what is Leadwire's own to who is.

use super::Marketo;
use super::envelope::{About, not_written};
use super::errors::ERRORS;
use super::reply::{self, Fate, delivered};
use super::request::Sort;
use crate::catalogue::Known;
use crate::egress::Egress;
use crate::group::{self, Group};
use crate::{Delivered, Moment, Payload, record_id};
use leadwire_core::email::Email;
use leadwire_core::mapping::{Mapped, Value};
use leadwire_core::outcome::{Evidence, Fault, Outcome, Tried};

/// The calls of one attempt.
struct Run<'a> {
    marketo: &'a Marketo,
    groups: &'a [Group],
    moment: Moment,
    egress: &'a Egress,
    calls: u32,
    tried: Vec<Option<Tried>>,
    /// What stopped the attempt: what follows would be refused in the same way.
    stopped: Option<Box<Tried>>,
}

impl Marketo {
    pub(super) async fn bring(&self, batch: &[Payload], moment: Moment, egress: &Egress) -> Delivered {
        let mut tried: Vec<Option<Tried>> = vec![None; batch.len()];
        let groups = self.gather(batch, &mut tried);
        let mut run = Run {
            marketo: self,
            groups: &groups,
            moment,
            egress,
            calls: 0,
            tried: vec![None; groups.len()],
            stopped: None,
        };
        match (self.overwrites, self.shape.program.is_some()) {
            (false, false) => run.keep().await,
            (false, true) => run.keep_and_push().await,
            (true, is_pushed) => run.overwrite(is_pushed).await,
        }
        let calls = run.calls;
        let all = run.tried.into_iter().map(|it| it.expect("every group was written or told why not"));
        group::spread(&groups, all, &mut tried);
        Delivered { tried: group::settled(tried), calls }
    }

    /// The value a person is looked up by, with the record; or what became of the payload without an attempt.
    pub(super) fn record(&self, payload: &Payload) -> Result<(String, Mapped), Box<Tried>> {
        let mut mapped = self.map.apply(payload)?;
        let by_email = self.shape.lookup == "email";
        if let Some(at) = mapped.fields.iter().position(|it| it.target == "email") {
            // Marketo takes ASCII only (Adobe, leads.md): a domain has such a form, what stands before the @ may not.
            let text = mapped.fields[at].value.as_text();
            let ascii = Email::parse(text).ok().map(|it| it.as_str().to_owned()).filter(|it| it.is_ascii());
            match ascii {
                Some(ascii) => mapped.fields[at].value = Value::Text(ascii),
                None if by_email => return Err(Box::new(not_ascii())),
                None => {
                    mapped.fields.remove(at);
                    mapped.notes.push("email was left out: Marketo takes ASCII only".to_owned());
                }
            }
        }
        let key = if by_email {
            mapped.get("email").map(Value::as_text).unwrap_or_default().to_lowercase()
        } else {
            record_id::text(payload)
        };
        Ok((key, mapped))
    }

    /// One group for each person, oldest touchpoint first; what cannot be mapped gets its outcome here.
    pub(super) fn gather(&self, batch: &[Payload], tried: &mut [Option<Tried>]) -> Vec<Group> {
        group::gather(batch, tried, |it| self.record(it))
    }
}

impl Run<'_> {
    /// People are made, and only made: Marketo itself says who is there already, so nothing needs to be looked up and
    /// no salesperson's edit can be overwritten. Who is there gets what is Leadwire's own, if there is any.
    async fn keep(&mut self) {
        let all = 0..self.groups.len();
        // Who is likely to be there is updated first, which is mostly all there is to do.
        let (later, mut new): (Vec<usize>, Vec<usize>) =
            all.partition(|it| !self.groups[*it].is_first && self.groups[*it].record.has_owned());
        for (at, fate) in self.write(Sort::Own, &later).await {
            match fate {
                Fate::Missing => new.push(at),
                fate => self.settle(at, fate),
            }
        }
        new.sort_unstable();
        let mut there = Vec::new();
        for (at, fate) in self.write(Sort::Create, &new).await {
            match fate {
                Fate::Exists(_) if self.groups[at].record.has_owned() => there.push(at),
                fate => self.settle(at, fate),
            }
        }
        for (at, fate) in self.write(Sort::Own, &there).await {
            self.settle(at, fate);
        }
    }

    /// People are made as above; then all of them are pushed with nothing but what is Leadwire's own, which is an
    /// upsert that overwrites nothing and tells their ids.
    async fn keep_and_push(&mut self) {
        let all: Vec<usize> = (0..self.groups.len()).collect();
        let mut there = Vec::new();
        for (at, fate) in self.write(Sort::Create, &all).await {
            match fate {
                Fate::Written(..) | Fate::Exists(_) => there.push(at),
                fate => self.settle(at, fate),
            }
        }
        for (at, fate) in self.write(Sort::PushOwn, &there).await {
            self.settle(at, fate);
        }
    }

    /// Everything is written; once more without the company where Marketo does not take it.
    async fn overwrite(&mut self, is_pushed: bool) {
        let all: Vec<usize> = (0..self.groups.len()).collect();
        let (whole, rest) =
            if is_pushed { (Sort::PushWhole, Sort::PushRest) } else { (Sort::Whole, Sort::Rest) };
        let mut locked = Vec::new();
        for (at, fate) in self.write(whole, &all).await {
            match fate {
                Fate::CompanyLocked(_) => locked.push(at),
                fate => self.settle(at, fate),
            }
        }
        for (at, fate) in self.write(rest, &locked).await {
            self.settle(at, fate);
        }
    }

    /// Writes groups, in as few calls as the bounds allow, and says what came of each.
    async fn write(&mut self, sort: Sort, places: &[usize]) -> Vec<(usize, Fate)> {
        let shape = &self.marketo.shape;
        let record =
            |at: &usize| shape.record(&self.groups[*at].record.key, &self.groups[*at].record.fields, sort);
        let records: Vec<String> = places.iter().map(record).collect();
        let mut fates: Vec<Option<Fate>> = vec![None; places.len()];
        for range in shape.chunks(sort, &records) {
            let said = match &self.stopped {
                Some(stopped) => {
                    let rest = Fate::Other(Box::new(not_written((**stopped).clone())));
                    vec![rest; range.len()]
                }
                None => match self.call(sort, &places[range.clone()], &records[range.clone()]).await {
                    Ok(said) => said,
                    Err(refused) => {
                        self.stopped = Some(refused.clone());
                        vec![Fate::Other(refused); range.len()]
                    }
                },
            };
            for (at, fate) in range.zip(said) {
                fates[at] = Some(fate);
            }
        }
        let fates = fates.into_iter().map(|it| it.unwrap_or_else(|| Fate::Other(Box::new(too_large()))));
        places.iter().copied().zip(fates).collect()
    }

    async fn call(
        &mut self,
        sort: Sort,
        places: &[usize],
        records: &[String],
    ) -> Result<Vec<Fate>, Box<Tried>> {
        let call = self.marketo.shape.call(sort, records);
        let answer = self.marketo.session.send(&call, self.moment.now, self.egress, &mut self.calls).await?;
        let known: Vec<Vec<&str>> =
            places.iter().map(|it| self.groups[*it].known.iter().map(String::as_str).collect()).collect();
        let each: Vec<&[&str]> = known.iter().map(Vec::as_slice).collect();
        let all: Vec<&str> = known.iter().flatten().copied().collect();
        let said =
            reply::read(&answer, &each, &About { records: places.len(), known: &all, now: self.moment.now });
        said.map_err(|it| Box::new(program_refused(sort, *it)))
    }

    fn settle(&mut self, at: usize, fate: Fate) {
        self.tried[at] = Some(settled(fate));
    }
}

/// A push of nothing but keys that were written a moment ago cannot be refused for its data: it is the programme. Its code
/// is not documented, and may be the one for bad data.
pub(super) fn program_refused(sort: Sort, mut tried: Tried) -> Tried {
    if sort == Sort::PushOwn && tried.evidence.cause == "refused" {
        let known = Known::find(ERRORS, "1013").expect("the catalogue has the code");
        tried.outcome = Outcome::NotDone(known.fault);
        tried.evidence.cause = known.cause.to_owned();
        known.message.clone_into(&mut tried.evidence.message);
        known.fix.clone_into(&mut tried.evidence.fix);
    }
    tried
}

/// What a fate means when nothing follows it.
pub(crate) fn settled(fate: Fate) -> Tried {
    match fate {
        Fate::Written(id, message) => delivered(id, message),
        Fate::Exists(id) => delivered(id, "the person was there already, and is kept as they are"),
        Fate::Missing => {
            let known = Known::find(ERRORS, "1004").expect("the catalogue has the code");
            let evidence = Evidence {
                cause: known.cause.to_owned(),
                message: known.message.to_owned(),
                ..Evidence::default()
            };
            Tried { outcome: Outcome::NotDone(Fault::RetryAfter(None)), evidence }
        }
        Fate::CompanyLocked(tried) | Fate::Other(tried) => *tried,
    }
}

fn parked(cause: &str, message: &str, fix: &str) -> Tried {
    let evidence = Evidence {
        cause: cause.to_owned(),
        message: message.to_owned(),
        fix: fix.to_owned(),
        ..Evidence::default()
    };
    Tried { outcome: Outcome::NotDone(Fault::Park), evidence }
}

/// An address Marketo cannot hold.
pub(crate) fn not_ascii() -> Tried {
    parked(
        "email_not_ascii",
        "the e-mail address holds letters beyond ASCII, which Marketo does not take",
        "correct the address, or choose a custom `lookup_field`, with which it is left out",
    )
}

fn too_large() -> Tried {
    parked(
        "record_too_large",
        "the lead alone is larger than a call to Marketo may be",
        "map fewer or shorter fields, such as `details | truncate(30000)`",
    )
}
