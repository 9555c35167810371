//! Runs schedules, finds the smallest that breaks a law, and looks whether every mistake is found.

use crate::check::{Goal, Violation};
use crate::mistake::{self, Seeded};
use crate::plan::Plan;
use crate::rows::Model;
use crate::world::World;
use std::io::Write;
use std::process::ExitCode;

/// What became of many schedules.
#[derive(Default)]
struct Tally {
    schedules: u64,
    steps: u64,
    goals: u64,
    broken: Option<(u64, Violation)>,
}

fn one(plan: Plan) -> (u64, u64, Option<Violation>) {
    let rows = Model::new(plan.lanes.len());
    let mut world = World::new(plan, rows);
    let violation = world.run();
    (world.steps, world.checks.goals, violation)
}

/// Runs schedules from a seed on, until so many steps are done or a law is broken.
fn many(first: u64, stride: u64, steps: u64) -> Tally {
    let mut tally = Tally::default();
    let mut seed = first;
    while tally.steps < steps {
        let (steps, goals, broken) = one(Plan::new(seed));
        tally.schedules += 1;
        tally.steps += steps;
        tally.goals |= goals;
        if let Some(violation) = broken {
            tally.broken = Some((seed, violation));
            break;
        }
        seed += stride;
    }
    tally
}

/// Takes faults out of a schedule as long as it breaks the same law.
fn shrink(seed: u64, law: &str) -> Plan {
    let mut plan = Plan::new(seed);
    loop {
        let smaller = plan
            .faults()
            .into_iter()
            .map(|it| plan.without(it))
            .find(|smaller| one(smaller.clone()).2.is_some_and(|it| it.law == law));
        match smaller {
            Some(smaller) => plan = smaller,
            None => return plan,
        }
    }
}

pub(crate) fn say(line: &str) {
    // A reader that went away is no reason to stop.
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// Runs what the arguments ask for.
pub(crate) fn command(arguments: &[String]) -> ExitCode {
    let value = |name: &str| {
        let place = arguments.iter().position(|it| it == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    let steps = value("--steps").unwrap_or(100_000_000);
    let seed = value("--seed").unwrap_or(1);
    if let Some(seed) = value("--tell") {
        let plan = Plan::new(seed);
        say(&format!("{plan:?}"));
        let mut world = World::new(plan.clone(), Model::new(plan.lanes.len()));
        world.is_told = true;
        let violation = world.run();
        say(&format!("{violation:?}"));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|it| it == "--mistakes") {
        return find_mistakes(seed, steps);
    }
    let tally = many(seed, 1, steps);
    report(&tally)
}

fn report(tally: &Tally) -> ExitCode {
    let missing: Vec<String> = (Goal::ALL.iter())
        .filter(|it| tally.goals & (1 << (**it as u32)) == 0)
        .map(|it| format!("{it:?}"))
        .collect();
    say(&format!("{} schedules, {} steps", tally.schedules, tally.steps));
    if let Some((seed, violation)) = &tally.broken {
        let smallest = shrink(*seed, violation.law);
        say(&format!("seed {seed} breaks a law: {}: {}", violation.law, violation.told));
        say(&format!("  faults that are needed: {:?}; rate {}", smallest.faults(), smallest.rate));
        return ExitCode::FAILURE;
    }
    if !missing.is_empty() {
        say(&format!("goals that were not reached: {}", missing.join(", ")));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Every mistake must be found within so many steps.
fn find_mistakes(seed: u64, steps: u64) -> ExitCode {
    let mut missed = Vec::new();
    for seeded in mistake::ALL {
        mistake::seed(Some(*seeded));
        let tally = many(seed, 1, steps);
        mistake::seed(None);
        match tally.broken {
            Some((seed, violation)) => say(&format!(
                "found   {:24} seed {seed:6} after {:9} steps: {}",
                seeded.name(),
                tally.steps,
                violation.law
            )),
            None => {
                say(&format!("MISSED  {:24} in {} steps", seeded.name(), tally.steps));
                missed.push(seeded.name());
            }
        }
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Which mistake a name means.
#[allow(dead_code, reason = "used by tests")]
fn named(name: &str) -> Option<Seeded> {
    mistake::ALL.iter().copied().find(|it| it.name() == name)
}
