//! What a look at a destination comes to: named steps, each with a verdict, how long it took, and what to do.

use leadwire_core::outcome::{Outcome, Tried};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Is told of each step as it ends.
pub type Onlooker = Arc<dyn Fn(&Step) + Send + Sync>;

tokio::task_local! {
    static ONLOOKER: Onlooker;
}

/// Runs a look at a destination while somebody looks on.
pub async fn watched<F: Future>(onlooker: Onlooker, work: F) -> F::Output {
    ONLOOKER.scope(onlooker, work).await
}

/// Runs a look while one more looks on, beside whoever does already.
pub async fn watched_too<F: Future>(onlooker: Onlooker, work: F) -> F::Output {
    let all: Onlooker = match ONLOOKER.try_with(Arc::clone) {
        Ok(other) => Arc::new(move |step| {
            onlooker(step);
            other(step);
        }),
        Err(_) => onlooker,
    };
    watched(all, work).await
}

/// Tells whoever looks on that a step has ended.
pub fn tell(step: &Step) {
    // Mostly nobody looks on.
    ONLOOKER.try_with(|onlooker| onlooker(step)).ok();
}

/// One step on the way a lead takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Stable name, such as `token` or `permission`.
    pub name: &'static str,
    /// What was looked at, for people, such as `Sign in at login.microsoftonline.com`.
    pub title: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found, in one sentence without a full stop; holds no secret and no personal value.
    pub message: String,
    /// Stable name of the cause, when it went wrong.
    pub cause: String,
    /// What to do about it; empty when nothing needs doing.
    pub fix: String,
    /// How long it took.
    pub took: Duration,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Passed,
    /// Leads will arrive, but somebody should look.
    Warned,
    /// Leads will not arrive.
    Failed,
    /// It was not tried, because of an earlier step or because the destination offers no way to.
    Skipped,
}

/// What a connector found without writing a lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The steps, in order. The first that failed ends them.
    pub steps: Vec<Step>,
    /// What the destination's metadata says of its fields, in the shape of the setting `field_rules`; none when it was
    /// not read.
    pub field_rules: Option<serde_json::Value>,
}

impl Checked {
    /// Adds a step that has ended.
    pub fn add(&mut self, step: Step) {
        tell(&step);
        self.steps.push(step);
    }

    /// Whether a lead can be written as far as was seen.
    pub fn is_passed(&self) -> bool {
        self.steps.iter().all(|it| it.verdict != Verdict::Failed)
    }
}

impl Step {
    /// A step that went as it should.
    pub fn passed(name: &'static str, title: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            name,
            title: title.into(),
            verdict: Verdict::Passed,
            message: message.into(),
            cause: String::new(),
            fix: String::new(),
            took: Duration::ZERO,
        }
    }

    /// The same step, with the time it took.
    #[must_use]
    pub fn took(mut self, took: Duration) -> Self {
        self.took = took;
        self
    }

    /// The same step with another verdict, and what to do.
    #[must_use]
    pub fn but(mut self, verdict: Verdict, cause: &str, fix: impl Into<String>) -> Self {
        self.verdict = verdict;
        self.cause = cause.to_owned();
        self.fix = fix.into();
        self
    }

    /// A step told by an attempt: done is passed, everything else failed.
    pub fn of_attempt(name: &'static str, title: impl Into<String>, tried: &Tried) -> Self {
        let evidence = &tried.evidence;
        let took = Duration::from_micros(evidence.timings.total_us.unwrap_or(0).into());
        let step = Self::passed(name, title, evidence.message.clone()).took(took);
        match &tried.outcome {
            Outcome::Done(_) => step,
            Outcome::NotDone(_) | Outcome::Unknown => {
                step.but(Verdict::Failed, &evidence.cause, evidence.fix.clone())
            }
        }
    }
}
