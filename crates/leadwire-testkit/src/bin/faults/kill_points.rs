//! SIGKILL at named points of what the program does, on the program as it ships: strace kills it as it enters a call that
//! only this point makes. Afterwards everything it answered 202 is there once, and what was begun comes to its end.

mod point;
mod scene;

use crate::{Args, Report, tracer};
use anyhow::Context;
use leadwire_testkit::harness::Dice;
use point::{POINTS, Point};
use scene::{Scene, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is known over all points.
#[derive(Default)]
struct Sums {
    points: u64,
    killed: u64,
    acknowledged: u64,
    unanswered: u64,
    unanswered_stored: u64,
    lost: u64,
    doubled: u64,
    repeated: u64,
    /// By the name of the point: at how many of its moments the program was killed.
    by_point: BTreeMap<&'static str, u64>,
    never_reached: Vec<String>,
}

pub(crate) async fn run(args: &Args) -> anyhow::Result<Report> {
    if let Some(lacks) = tracer::lacks() {
        return Ok(Report::Lacks(lacks));
    }
    let mut plan: Vec<(&Point, u64)> =
        POINTS.iter().flat_map(|it| it.moments.iter().map(move |when| (it, *when))).collect();
    let all = plan.len();
    let mut dice = Dice::new(args.seed);
    for at in (1..plan.len()).rev() {
        plan.swap(at, usize::try_from(dice.below(u64::try_from(at)? + 1))?);
    }
    plan.truncate(usize::try_from(args.count)?);
    eprintln!("{} of {all} moments at {} points, seed {}", plan.len(), POINTS.len(), args.seed);
    let mut sums = Sums::default();
    for (point, when) in plan {
        let what = || format!("{} {when}, in {}", point.name, args.folder.display());
        let scene = Scene::set(args, point).await.with_context(what)?;
        let verdict = scene.play(when).await.with_context(what)?;
        eprintln!("{:>34} {when}: {}", point.name, verdict.words());
        sums.add(point, when, &verdict);
    }
    let control_lost = scene::control(args).await.context("the control")?;
    let is_well =
        sums.lost + sums.doubled == 0 && sums.killed == sums.points && sums.points > 0 && control_lost > 0;
    let mut figures = sums.figures();
    figures["control_lost"] = json!(control_lost);
    Ok(Report::Ran(is_well, figures))
}

impl Sums {
    fn add(&mut self, point: &Point, when: u64, verdict: &Verdict) {
        self.points += 1;
        self.killed += u64::from(verdict.is_killed);
        *self.by_point.entry(point.name).or_default() += u64::from(verdict.is_killed);
        if !verdict.is_killed {
            self.never_reached.push(format!("{} {when}", point.name));
        }
        self.acknowledged += verdict.book.acknowledged;
        self.unanswered += verdict.book.unanswered;
        self.unanswered_stored += verdict.book.unanswered_stored;
        self.lost += verdict.book.lost + verdict.book.missing + verdict.found.missing;
        self.doubled += verdict.book.doubled + verdict.found.doubled;
        self.repeated += verdict.repeated;
    }

    fn figures(&self) -> Value {
        json!({
            "moments": self.points, "killed": self.killed, "never_reached": self.never_reached,
            "points": self.by_point, "acknowledged": self.acknowledged, "unanswered": self.unanswered,
            "unanswered_stored": self.unanswered_stored, "repeated": self.repeated, "lost": self.lost,
            "doubled": self.doubled,
        })
    }
}
