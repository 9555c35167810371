//! Runs schedules, finds the smallest that breaks a law, and looks whether every mistake is found.

use crate::check::{Goal, Violation};
use crate::mistake::{self, Seeded};
use crate::model::Model;
use crate::outage::{Control, HOUR};
use crate::plan::Plan;
use crate::real::{Both, Ground};
use crate::rows::Rows;
use crate::scenes;
use crate::world::World;
use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;

const USAGE: &str = "leadwire-sim: schedules of failures against the decisions of a lane

  --steps N      steps of schedules on the model of the store (100000000)
  --store N      schedules on the real store, which must say what the model says (500)
  --database A   those are in this database of a PostgreSQL server, which must be there and empty; nothing but them is run
  --mistakes     have every built-in mistake found within those steps; needs `--features defects`
  --seed N       the first seed (1)
  --outage 72h   a destination is down for so long while leads come, and then everything is brought to it
  --leads N      how many come meanwhile (1000000)
  --control W    what is wrong on purpose in that: budget, order or lead; it must be seen
  --tell SEED    tell every event of one schedule
";

/// Seeds that found something once; they are run first.
const KEPT: &str = include_str!("../seeds.txt");

fn kept() -> impl Iterator<Item = u64> {
    KEPT.lines().filter_map(|it| it.split_whitespace().next()?.parse().ok())
}

/// What became of many schedules.
#[derive(Default)]
struct Tally {
    schedules: u64,
    steps: u64,
    goals: u64,
    broken: Option<(u64, Violation)>,
}

impl Tally {
    fn run(&mut self, plan: Plan, rows: impl Rows) {
        let seed = plan.seed;
        let mut world = World::new(plan, rows);
        let violation = world.run();
        self.schedules += 1;
        self.steps += world.steps;
        self.goals |= world.checks.goals;
        self.broken = violation.map(|it| (seed, it));
    }

    fn run_on_model(&mut self, plan: Plan) {
        let rows = Model::new(plan.lanes.len());
        self.run(plan, rows);
    }

    fn add(&mut self, other: Tally) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.goals |= other.goals;
        self.broken = self.broken.take().or(other.broken);
    }
}

/// Runs schedules from a seed on, until so many steps are done or a law is broken.
fn many(first: u64, stride: u64, steps: u64) -> Tally {
    let mut tally = Tally::default();
    let mut seed = first;
    while tally.steps < steps && tally.broken.is_none() {
        tally.run_on_model(Plan::new(seed));
        seed += stride;
    }
    tally
}

/// The same on every processor, each with seeds of its own.
fn many_at_once(first: u64, steps: u64) -> Tally {
    let workers = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let mut all = Tally::default();
    std::thread::scope(|scope| {
        let working: Vec<_> =
            (0..workers).map(|it| scope.spawn(move || many(first + it, workers, steps / workers))).collect();
        for worker in working {
            all.add(worker.join().expect("a schedule does not panic"));
        }
    });
    all
}

/// Takes faults out of a schedule as long as it breaks the same law.
fn shrink(seed: u64, law: &str) -> Plan {
    let breaks = |plan: &Plan| {
        let mut tally = Tally::default();
        tally.run_on_model(plan.clone());
        tally.broken.is_some_and(|it| it.1.law == law)
    };
    let mut plan = Plan::new(seed);
    while let Some(smaller) = plan.faults().into_iter().map(|it| plan.without(it)).find(breaks) {
        plan = smaller;
    }
    plan
}

pub(crate) fn say(line: &str) {
    // A reader that went away is no reason to stop.
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// Runs what the arguments ask for.
pub(crate) fn command(arguments: &[String]) -> ExitCode {
    let has = |name: &str| arguments.iter().any(|it| it == name);
    let value = |name: &str, default: u64| match arguments.iter().position(|it| it == name) {
        None => Some(default),
        Some(place) => arguments.get(place + 1)?.parse().ok(),
    };
    if has("--outage") {
        return outage(arguments);
    }
    let known = ["--steps", "--store", "--database", "--seed", "--tell", "--mistakes"];
    let is_wrong = arguments.iter().any(|it| it.starts_with('-') && !known.contains(&it.as_str()));
    let (Some(steps), Some(seed), Some(store), Some(told)) =
        (value("--steps", 100_000_000), value("--seed", 1), value("--store", 500), value("--tell", 0))
    else {
        say(USAGE);
        return ExitCode::from(2);
    };
    if is_wrong {
        say(USAGE);
        return ExitCode::from(2);
    }
    if told > 0 {
        return tell(told);
    }
    if let Some(place) = arguments.iter().position(|it| it == "--database") {
        return on_server(arguments.get(place + 1).map_or("", String::as_str), seed..seed + store);
    }
    if has("--mistakes") { find_mistakes(seed, steps) } else { hold(seed, steps, store) }
}

/// A long outage: succeeds when everything that must be so was so. With something wrong on purpose it must fail.
fn outage(arguments: &[String]) -> ExitCode {
    let value = |name: &str| {
        let place = arguments.iter().position(|it| it == name)?;
        arguments.get(place + 1).map(String::as_str)
    };
    let hours = value("--outage").and_then(|it| it.strip_suffix('h')?.parse().ok()).filter(|it| *it > 0);
    let leads = value("--leads").map_or(Some(1_000_000), |it| it.parse().ok()).filter(|it| *it > 0);
    let control = match value("--control") {
        None => Some(Control::None),
        Some("budget") => Some(Control::NoBudget),
        Some("order") => Some(Control::NoOrder),
        Some("lead") => Some(Control::LostLead),
        Some(_) => None,
    };
    let (Some(hours), Some(leads), Some(control)) = (hours, leads, control) else {
        say(USAGE);
        return ExitCode::from(2);
    };
    let hours: i64 = hours;
    if scenes::tell(leads, hours * HOUR, control) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(seed: u64) -> ExitCode {
    let plan = Plan::new(seed);
    say(&format!("{plan:?}"));
    let mut world = World::new(plan.clone(), Model::new(plan.lanes.len()));
    world.is_told = true;
    match world.run() {
        None => ExitCode::SUCCESS,
        Some(violation) => {
            say(&format!("{violation:?}"));
            ExitCode::FAILURE
        }
    }
}

/// Every law must hold, and every goal be reached.
fn hold(seed: u64, steps: u64, store: u64) -> ExitCode {
    let mut tally = Tally::default();
    for seed in kept() {
        if tally.broken.is_none() {
            tally.run_on_model(Plan::new(seed));
        }
        // As it was when it found something.
        if tally.broken.is_none() {
            tally.run_on_model(Plan::new(seed).without_budgets());
        }
    }
    if tally.broken.is_none() {
        tally.add(many_at_once(seed, steps));
    }
    let mut on_store = Tally::default();
    for seed in seed..seed + store {
        if tally.broken.is_none() && on_store.broken.is_none() {
            let plan = Plan::new(seed);
            let both = Both::new(&plan, &Ground::Folders);
            on_store.run(plan, both);
        }
    }
    say(&format!("{} schedules, {} steps on the model", tally.schedules, tally.steps));
    say(&format!("{} schedules, {} steps on the real store", on_store.schedules, on_store.steps));
    let is_shown = on_store.broken.is_none();
    tally.broken = tally.broken.or(on_store.broken.take());
    let missing: Vec<String> = (Goal::ALL.iter())
        .filter(|it| tally.goals & (1 << (**it as u32)) == 0)
        .map(|it| format!("{it:?}"))
        .collect();
    if let Some((seed, violation)) = &tally.broken {
        say(&format!("seed {seed} breaks a law: {}: {}", violation.law, violation.told));
        if is_shown {
            let smallest = shrink(*seed, violation.law);
            say(&format!("  faults that are needed: {:?}; rate {}", smallest.faults(), smallest.rate));
        }
        say(&format!("  `--tell {seed}` tells what happened"));
    } else if !missing.is_empty() {
        say(&format!("goals that were not reached: {}", missing.join(", ")));
    }
    let holds = tally.broken.is_none() && missing.is_empty();
    say(&format!(
        "{{\"schedules\":{},\"steps\":{},\"store_schedules\":{},\"goals\":{},\"goals_missed\":{},\"violations\":{}}}",
        tally.schedules,
        tally.steps,
        on_store.schedules,
        Goal::ALL.len() - missing.len(),
        missing.len(),
        u32::from(tally.broken.is_some())
    ));
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The real store must say what the model says, on a server too.
fn on_server(address: &str, seeds: Range<u64>) -> ExitCode {
    let ground = match Ground::server(address) {
        Ok(ground) => ground,
        Err(problem) => {
            say(&format!("the database cannot be used: {problem}"));
            return ExitCode::FAILURE;
        }
    };
    let mut tally = Tally::default();
    for seed in seeds {
        if tally.broken.is_none() {
            let plan = Plan::new(seed);
            let both = Both::new(&plan, &ground);
            tally.run(plan, both);
        }
    }
    if let Some((seed, violation)) = &tally.broken {
        say(&format!("seed {seed} breaks a law: {}: {}", violation.law, violation.told));
    }
    let violations = u32::from(tally.broken.is_some());
    say(&format!("{} schedules, {} steps on the real store, on a server", tally.schedules, tally.steps));
    say(&format!("{{\"server_schedules\":{},\"violations\":{violations}}}", tally.schedules));
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every mistake must be found within so many steps.
fn find_mistakes(seed: u64, steps: u64) -> ExitCode {
    let mut missed = 0;
    for seeded in mistake::ALL {
        mistake::seed(Some(*seeded));
        let tally = many(seed, 1, steps);
        mistake::seed(None);
        missed += u32::from(tally.broken.is_none());
        say(&finding(*seeded, &tally));
    }
    let all = mistake::ALL.len();
    say(&format!("{{\"mistakes\":{all},\"missed\":{missed},\"steps_each\":{steps}}}"));
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn finding(seeded: Seeded, tally: &Tally) -> String {
    match &tally.broken {
        Some((seed, violation)) => format!(
            "found   {:24} by seed {seed:6} after {:9} steps: {}",
            seeded.name(),
            tally.steps,
            violation.law
        ),
        None => format!("MISSED  {:24} in {} steps", seeded.name(), tally.steps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(plan: Plan) -> (u64, u64, bool) {
        let mut tally = Tally::default();
        tally.run_on_model(plan);
        (tally.steps, tally.goals, tally.broken.is_some())
    }

    #[test]
    fn a_schedule_is_the_same_again() {
        for seed in 1..300 {
            assert_eq!(story(Plan::new(seed)), story(Plan::new(seed)), "seed {seed}");
        }
    }

    #[test]
    fn a_mistake_is_found_and_what_it_needs_is_told() {
        let mistake = mistake::ALL.iter().find(|it| it.name() == "NoDoubt").copied();
        mistake::seed(mistake);
        let (seed, violation) = many(1, 1, 1_000_000).broken.expect("it breaks a law");
        let smallest = shrink(seed, violation.law);
        mistake::seed(None);
        assert!(smallest.faults().len() < Plan::new(seed).faults().len(), "{:?}", smallest.faults());
        assert!(!story(smallest).2, "without the mistake every law holds");
    }

    #[test]
    fn the_real_store_says_what_the_model_says() {
        let mut tally = Tally::default();
        for seed in 1..40 {
            let plan = Plan::new(seed);
            let both = Both::new(&plan, &Ground::Folders);
            tally.run(plan, both);
            assert!(tally.broken.is_none(), "seed {seed}: {:?}", tally.broken);
        }
    }

    #[test]
    fn seeds_that_found_something_stay_found() {
        let seeds: Vec<u64> = kept().collect();
        assert!(seeds.len() >= 7);
        for seed in seeds {
            assert!(!story(Plan::new(seed)).2, "seed {seed}");
            assert!(!story(Plan::new(seed).without_budgets()).2, "seed {seed} without budgets");
        }
    }
}
