//! Logs and metrics: set-up, and the one list of metric names. Neither ever holds a secret or a personal value.

use leadwire_core::id::{DestinationNo, PublisherId};
use leadwire_core::outcome::{Fault, Outcome};
use leadwire_core::time::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};
use std::io::IsTerminal;
use std::sync::Mutex;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error: for people on a terminal, as JSON lines otherwise.
///
/// `filter` is a list such as `info` or `leadwire=debug`. A filter that cannot be read is replaced by `info`.
pub fn start_logging(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that cannot be written, since the disk is full or the reader of a pipe is gone, is lost. The library would
    // report that on standard error, which panics when that is what fails.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // An error means that logging runs already, as it does in tests.
    if std::io::stderr().is_terminal() {
        builder.with_target(false).compact().try_init().ok();
    } else {
        builder.json().flatten_event(true).try_init().ok();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceivedLabels {
    channel: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectorLabels {
    connector: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabels {
    channel: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabels {
    connector: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DestinationLabels {
    publisher: String,
    destination: u32,
}

/// Every metric of the program.
pub struct Metrics {
    registry: Mutex<Registry>,
    received: Family<ReceivedLabels, Counter>,
    tests: Family<ChannelLabels, Counter>,
    attempts: Family<AttemptLabels, Counter>,
    feedback: Family<ConnectorLabels, Counter>,
    feedback_failures: Family<ConnectorLabels, Counter>,
    notices_told: Family<ConnectorLabels, Counter>,
    notices_failures: Family<ConnectorLabels, Counter>,
    notices_stuck: Gauge,
    calls_left: Family<DestinationLabels, Gauge>,
    commits: Gauge,
    lanes_paused: Gauge,
    lanes_tripped: Gauge,
    disk_free: Gauge,
    audit_violations: Gauge,
    audit_checked_at: Gauge,
    backup_made_at: Gauge,
    backup_failures: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("leadwire");
        let at = &mut registry;
        Self {
            received: new(at, "touchpoints_received", "Touchpoints by channel and result"),
            tests: new(
                at,
                "touchpoints_test",
                "Touchpoints stored that are tests or previews, which touchpoints_received counts too",
            ),
            attempts: new(at, "delivery_attempts", "Attempts by connector and outcome"),
            feedback: new(at, "feedback_read", "Words about leads read from destinations"),
            feedback_failures: new(at, "feedback_failures", "Readings of feedback that failed, by connector"),
            notices_told: new(at, "notices_told", "Messages about trouble that got through"),
            notices_failures: new(
                at,
                "notices_failures",
                "Tries of telling somebody of trouble that failed, by connector",
            ),
            notices_stuck: new(
                at,
                "notices_stuck",
                "Messages about trouble that no receiver took, as of the last round",
            ),
            calls_left: new(
                at,
                "budget_calls_left",
                "Calls of a destination's budget that were left after its lane's last turn, of the window with the fewest",
            ),
            commits: new(at, "store_commits", "Commits since the start, each one flush to disk"),
            lanes_paused: new(at, "lanes_paused", "Destinations that are paused until somebody acts"),
            lanes_tripped: new(
                at,
                "lanes_tripped",
                "Destinations that fail call after call, and are tried now and then",
            ),
            disk_free: new(at, "disk_free_bytes", "Free space of the data folder's disk"),
            audit_violations: new(
                at,
                "audit_violations",
                "Rules that rows of the store break, as of the last whole look at it",
            ),
            audit_checked_at: new(
                at,
                "audit_checked_at_seconds",
                "When the last whole look at the store ended, in seconds since 1970; 0 before the first one",
            ),
            backup_made_at: new(
                at,
                "backup_made_at_seconds",
                "When the newest scheduled backup was made that was read back whole, in seconds since 1970; 0 when there \
                 is none",
            ),
            backup_failures: new(at, "backup_failures", "Scheduled backups that could not be made"),
            registry: Mutex::new(registry),
        }
    }
}

/// A metric that starts at nothing.
fn new<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// Counts a touchpoint: `stored`, `duplicate`, `refused` or `quarantined`.
    pub fn count_received(&self, channel: &'static str, result: &'static str) {
        self.received.get_or_create(&ReceivedLabels { channel, result }).inc();
    }

    /// Counts a touchpoint that was stored and behind which no customer stands.
    pub fn count_test(&self, channel: &'static str) {
        self.tests.get_or_create(&ChannelLabels { channel }).inc();
    }

    /// Counts words about leads that were read from a destination.
    pub fn count_feedback(&self, connector: &'static str, words: u64) {
        self.feedback.get_or_create(&ConnectorLabels { connector }).inc_by(words);
    }

    /// Counts a reading that failed.
    pub fn count_feedback_failure(&self, connector: &'static str) {
        self.feedback_failures.get_or_create(&ConnectorLabels { connector }).inc();
    }

    /// Counts a message about trouble that got through.
    pub fn count_notice(&self, connector: &'static str) {
        self.notices_told.get_or_create(&ConnectorLabels { connector }).inc();
    }

    /// Counts a try to tell somebody that failed.
    pub fn count_notice_failure(&self, connector: &'static str) {
        self.notices_failures.get_or_create(&ConnectorLabels { connector }).inc();
    }

    /// So many messages got through nowhere in the last round.
    pub fn note_stuck_notices(&self, count: usize) {
        self.notices_stuck.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// So many calls of a destination's budget are left.
    pub fn note_calls_left(&self, publisher: &PublisherId, destination: DestinationNo, left: u32) {
        let labels = DestinationLabels { publisher: publisher.to_string(), destination: destination.get() };
        self.calls_left.get_or_create(&labels).set(left.into());
    }

    /// Counts an attempt.
    pub fn count_attempt(&self, connector: &'static str, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Done(_) => "done",
            Outcome::Unknown => "unknown",
            Outcome::NotDone(Fault::Park) => "refused",
            Outcome::NotDone(Fault::Withhold) => "withheld",
            Outcome::NotDone(Fault::Pause | Fault::Stop) => "operator",
            Outcome::NotDone(
                Fault::RetryNow
                | Fault::RetryAfter(_)
                | Fault::HoldLane(_)
                | Fault::SmallerBatch
                | Fault::RetryThenPause { .. },
            ) => "retry",
        };
        self.attempts.get_or_create(&AttemptLabels { connector, outcome }).inc();
    }

    /// The newest good backup was made then.
    pub fn note_backup(&self, at: Timestamp) {
        self.backup_made_at.set(at.millis() / 1000);
    }

    /// Counts a scheduled backup that could not be made.
    pub fn count_backup_failure(&self) {
        self.backup_failures.inc();
    }

    /// A whole look at the store has ended.
    pub fn note_audit(&self, violations: u64, wall: Timestamp) {
        self.audit_violations.set(i64::try_from(violations).unwrap_or(i64::MAX));
        self.audit_checked_at.set(wall.millis() / 1000);
    }

    /// A look that goes on has found so many already.
    pub fn raise_audit_violations(&self, violations: u64) {
        let violations = i64::try_from(violations).unwrap_or(i64::MAX);
        self.audit_violations.set(self.audit_violations.get().max(violations));
    }

    /// Everything in the OpenMetrics text format.
    pub fn render(&self, commits: u64, (paused, tripped): (usize, usize), disk_free: u64) -> String {
        self.commits.set(i64::try_from(commits).unwrap_or(i64::MAX));
        self.lanes_paused.set(i64::try_from(paused).unwrap_or(i64::MAX));
        self.lanes_tripped.set(i64::try_from(tripped).unwrap_or(i64::MAX));
        self.disk_free.set(i64::try_from(disk_free).unwrap_or(i64::MAX));
        let mut text = String::new();
        let registry = self.registry.lock().expect("rendering cannot panic");
        // Writing to a String cannot fail.
        encode(&mut text, &registry).ok();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_in_the_operators_guide() {
        let metrics = Metrics::default();
        metrics.count_received("api", "stored");
        metrics.count_test("api");
        metrics.count_feedback("salesforce", 1);
        metrics.count_feedback_failure("salesforce");
        metrics.count_attempt("https", &Outcome::Unknown);
        metrics.count_notice("https");
        metrics.count_notice_failure("https");
        let contoso = PublisherId::parse("contoso").expect("an id");
        metrics.note_calls_left(&contoso, DestinationNo::new(1), 7);
        let text = metrics.render(0, (0, 0), 0);
        let samples = text.lines().filter(|it| !it.starts_with('#'));
        let names: Vec<&str> = samples.filter_map(|it| it.split(['{', ' ']).next()).collect();
        assert_eq!(names.len(), 17, "{text}");
        for name in names {
            let row = format!("| `{name}` |");
            assert!(include_str!("../../../docs/operate.md").contains(&row), "docs/operate.md lacks {name}");
        }
    }
}
