//! Some cycles with a publisher of their own: what was sent for it, where it must arrive, and whether it did.

use leadwire_testkit::harness::book::{Book, Others};
use leadwire_testkit::harness::keyed::{self, Found, Keyed};
use leadwire_testkit::harness::load::{self, Target};
use leadwire_testkit::harness::set_up;
use leadwire_testkit::harness::sink::Sink;
use leadwire_testkit::lost_answers::KEYED;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Simulated CRMs of each publisher: with these all kinds have had their turn after five.
const KEYED_AT_ONCE: usize = 2;

/// A publisher, its destinations and its book.
pub(crate) struct Era {
    pub(crate) publisher: String,
    pub(crate) book: Book,
    destination: Value,
    keyed: Vec<Keyed>,
}

impl Era {
    /// Gives the service its publisher. Each simulated CRM is new, as its calls are counted per account.
    pub(crate) async fn begin(
        number: usize,
        first: u64,
        target: &Target,
        sink: &Sink,
    ) -> anyhow::Result<Self> {
        let publisher = format!("contoso-{number}");
        let target = target.of(&publisher);
        let destination = set_up(&target, sink).await?;
        let mut keyed = Vec::new();
        for at in 0..KEYED_AT_ONCE {
            let kind = KEYED[(number * KEYED_AT_ONCE + at) % KEYED.len()];
            keyed.push(Keyed::start(kind, &target, load::KEYED_OFFER).await?);
        }
        Ok(Self { publisher, book: Book::starting_at(first), destination, keyed })
    }
}

/// The books of all.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) leads: usize,
    acknowledged: u64,
    unanswered: u64,
    unanswered_stored: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

impl Sums {
    pub(crate) fn of(eras: &[Era]) -> Self {
        let mut sums = Self::default();
        for Era { book, .. } in eras {
            sums.leads += book.ids.len();
            sums.acknowledged += book.acknowledged;
            sums.unanswered += book.unanswered;
            sums.unanswered_stored += book.unanswered_stored;
            sums.lost += book.lost + book.missing;
            sums.doubled += book.doubled;
        }
        sums
    }

    pub(crate) fn figures(&self) -> Value {
        json!({
            "acknowledged": self.acknowledged, "lost": self.lost, "doubled": self.doubled,
            "unanswered": self.unanswered, "unanswered_stored": self.unanswered_stored,
        })
    }
}

/// What arrived in the end.
#[derive(Default)]
pub(crate) struct Arrived {
    /// Deliveries that stay where they are, although nothing is broken any more.
    pub(crate) stuck: u64,
    pub(crate) delivered: usize,
    keyed: BTreeMap<&'static str, (Found, u64)>,
}

impl Arrived {
    /// Whether every simulated CRM holds every customer once.
    pub(crate) fn is_each_there_once(&self) -> bool {
        self.stuck == 0 && self.keyed.values().all(|(it, _)| it.missing + it.doubled == 0)
    }

    pub(crate) fn figures(&self) -> Value {
        let figures = self.keyed.iter().map(|(kind, (found, calls))| {
            let Found { expected, missing, doubled } = found;
            let it = json!({ "records": expected, "missing": missing, "doubled": doubled, "calls": calls });
            ((*kind).to_owned(), it)
        });
        Value::Object(figures.collect())
    }
}

/// Waits until everything is brought, and looks at where it was to go.
pub(crate) async fn drain(eras: &[Era], target: &Target, sink: &Sink) -> anyhow::Result<Arrived> {
    let all = eras.iter().map(|it| it.book.ids.len()).sum::<usize>();
    let mut arrived = Arrived::default();
    for era in eras {
        let others = Others { before: all - era.book.ids.len(), strays_max: 0 };
        let target = target.of(&era.publisher);
        arrived.delivered += era.book.drain(&target, sink, &era.destination, others).await?;
    }
    let targets: Vec<Target> = eras.iter().map(|it| target.of(&it.publisher)).collect();
    arrived.stuck = keyed::settle(&targets).await?;
    for (era, keyed) in eras.iter().flat_map(|era| era.keyed.iter().map(move |it| (era, it))) {
        let found = keyed.judge(era.book.ids.keys().copied());
        let (sum, calls) = arrived.keyed.entry(keyed.kind).or_default();
        sum.expected += found.expected;
        sum.missing += found.missing;
        sum.doubled += found.doubled;
        *calls += keyed.calls();
    }
    Ok(arrived)
}
