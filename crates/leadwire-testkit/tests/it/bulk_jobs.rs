//! A backlog that the calls of a day would bring too late goes as a bulk job: every lead once, in order, whatever stops it.

use http::Method;
use leadwire::clock::Clock;
use leadwire_core::time::Timestamp;
use leadwire_sandbox::salesforce::{JobFate, Options, Salesforce};
use leadwire_sandbox::service::{self, Fault, Sandbox, Scope};
use leadwire_testkit::app::TestApp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const OWN: &str = "publisher=contoso";
const LEDGER: &str = "/v1/ledger?publisher=contoso";
const LEADS: usize = 3000;
/// Longer than any call of a day counts.
const DAY: Duration = Duration::from_secs(25 * 3600);

struct Lab {
    app: TestApp,
    /// When the first lead was brought in.
    since: Timestamp,
    org: Arc<Mutex<Salesforce>>,
    sandbox: Sandbox,
}

impl Lab {
    /// An org whose account allows sixteen calls a day, and as many leads as would take thirty by batches, which wait.
    async fn start(options: Options, more: Value) -> Self {
        let app = TestApp::start().await;
        app.add_contoso().await;
        let org = Arc::new(Mutex::new(Salesforce::new(options)));
        let clock = Arc::clone(&app.clock);
        let serving = service::Options::new(Arc::new(move || clock.wall().millis()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = service::start(listener, Box::new(Arc::clone(&org)), serving).unwrap();
        let mut settings = sandbox.destination_settings();
        settings["calls_per_day"] = json!(20);
        settings["in_flight"] = json!(1);
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        app.add_destination_of_kind("crm", "salesforce", settings).await;
        let since = app.clock.wall();
        let lab = Self { app, since, org, sandbox };
        lab.act("pause").await;
        for first in (0..LEADS).step_by(1000) {
            let leads = (first..first + 1000).map(|it| lead(it, "INS")).collect();
            lab.app.post("/v1/leads", &Value::Array(leads)).await;
        }
        lab
    }

    async fn act(&self, verb: &str) {
        self.app.call(Method::POST, &format!("/v1/destinations/crm/{verb}?{OWN}"), None).await.expect(200);
    }

    fn jobs(&self) -> Vec<(&'static str, usize)> {
        self.org.lock().unwrap().ingest_jobs()
    }

    /// Lets time pass until the org's jobs are as wished.
    async fn until(&self, wish: impl Fn(&[(&'static str, usize)]) -> bool) {
        self.app
            .wait_for(LEDGER, |_| {
                let is_so = wish(&self.jobs());
                if !is_so {
                    self.app.clock.advance(Duration::from_secs(61));
                }
                is_so
            })
            .await;
    }

    /// Lets days pass until nothing waits.
    async fn until_settled(&self) {
        self.app
            .wait_for(LEDGER, |it| {
                let is_settled = it["destinations"][0]["pending"] == 0;
                if !is_settled {
                    self.app.clock.advance(DAY);
                }
                is_settled
            })
            .await;
    }

    /// However many days went by: no more calls than the account allows on each.
    fn no_day_saw_too_many_calls(&self) {
        let gone = self.app.clock.wall().since(self.since);
        let days = gone.as_secs() / (24 * 3600) + 1;
        let calls = self.sandbox.calls();
        assert!(calls <= 20 * days, "{calls} calls in {days} days");
    }

    /// Every lead is there once.
    fn all_are_there_once(&self, leads: usize) {
        let records = self.sandbox.records();
        let keys: BTreeSet<&str> = records.iter().map(|it| it["key"].as_str().unwrap()).collect();
        assert_eq!((records.len(), keys.len()), (leads, leads));
    }
}

fn lead(number: usize, action: &str) -> Value {
    json!({ "source": "AzureMarketplace", "action": action, "offer": "contoso.crm-pro",
        "customer": { "first_name": "Ada", "last_name": format!("Lovelace {number}"),
            "email": format!("ada{number}@example.com"), "company": "Engines" } })
}

fn is_away(jobs: &[(&'static str, usize)]) -> bool {
    jobs.last().is_some_and(|it| it.0 != "Open")
}

#[tokio::test]
async fn a_backlog_beyond_the_days_calls_goes_as_a_job_and_arrives_once() {
    let lab = Lab::start(Options::default(), json!({})).await;
    // One of the customers acts again meanwhile: that comes after.
    let later = lab.app.post("/v1/leads", &lead(2999, "Create")).await;
    lab.act("resume").await;
    lab.until(is_away).await;
    let pending = lab.app.get(LEDGER).await["destinations"][0]["pending"].as_u64().unwrap();
    assert!(pending > 2000, "what is in the job waits: {pending}");
    let shown = lab.app.get(&format!("/v1/destinations/crm?{OWN}")).await["bulk_job"].clone();
    assert!(shown["deliveries"].as_u64().is_some_and(|it| it > 2000 && it <= pending), "{shown}");
    assert!(shown["reference"].as_str().is_some_and(|it| it.starts_with("750")), "{shown}");
    lab.until_settled().await;
    lab.all_are_there_once(LEADS);
    assert_eq!(lab.app.get(&format!("/v1/destinations/crm?{OWN}")).await.get("bulk_job"), None);
    let jobs = lab.jobs();
    assert!(jobs.len() == 1 && jobs[0].0 == "JobComplete" && jobs[0].1 >= 2000, "{jobs:?}");
    lab.no_day_saw_too_many_calls();
    let all = lab.app.get(&format!("/v1/deliveries?{OWN}&limit=200")).await;
    for delivery in all["items"].as_array().unwrap() {
        assert_eq!(
            (&delivery["state"], &delivery["attempts"]),
            (&json!("delivered"), &json!(1)),
            "{delivery}"
        );
        assert!(
            delivery["receipt"]["record"].as_str().or(delivery["record"].as_str()).is_some(),
            "{delivery}"
        );
    }
    let later = later["id"].as_str().unwrap();
    assert!(all["items"].as_array().unwrap().iter().any(|it| it.to_string().contains(later)), "{later}");
    lab.app.stop().await;
}

#[tokio::test]
async fn a_job_is_looked_at_again_after_a_restart_and_not_sent_again() {
    let lab = Lab::start(Options { job_millis: 120_000, ..Options::default() }, json!({})).await;
    lab.act("resume").await;
    lab.until(is_away).await;
    let Lab { app, since, org, sandbox } = lab;
    let clock = Arc::clone(&app.clock);
    let folder = app.stop().await;
    let app = TestApp::start_in(folder, clock, |_| {}).await;
    let lab = Lab { app, since, org, sandbox };
    lab.until_settled().await;
    lab.all_are_there_once(LEADS);
    assert_eq!(lab.jobs().len(), 1);
    lab.app.stop().await;
}

#[tokio::test]
async fn answers_that_are_lost_on_the_way_of_a_job_make_nothing_twice_and_lose_nothing() {
    for fault in [Fault::CutAfter, Fault::CutBefore, Fault::Failing] {
        let lab = Lab::start(Options::default(), json!({ "calls_per_day": 60 })).await;
        lab.sandbox.faults(|it| it.share(0.3, fault.clone(), Scope::All));
        lab.act("resume").await;
        lab.until_settled().await;
        lab.all_are_there_once(LEADS);
        lab.app.stop().await;
    }
}

#[tokio::test]
async fn what_a_job_did_not_write_goes_by_batches_with_the_reason() {
    let lab =
        Lab::start(Options { job_fate: JobFate::FailAfter(1500), ..Options::default() }, json!({})).await;
    lab.act("resume").await;
    lab.until(is_away).await;
    lab.until_settled().await;
    lab.all_are_there_once(LEADS);
    assert_eq!(lab.jobs().len(), 1, "after one that failed none is begun for a while");
    lab.app.stop().await;
}

#[tokio::test]
async fn an_erased_person_in_a_job_is_deleted_after_it() {
    let lab = Lab::start(Options { job_millis: 600_000, ..Options::default() }, json!({})).await;
    lab.act("resume").await;
    lab.until(is_away).await;
    let found = lab.app.get(&format!("/v1/leads?{OWN}&email=ada2999@example.com")).await;
    let id = found["items"][0]["id"].as_str().unwrap().to_owned();
    let wish = json!({ "reason": "asked", "crm": "delete" });
    lab.app.post(&format!("/v1/leads/{id}/erase?{OWN}"), &wish).await;
    lab.until_settled().await;
    let left = lab.sandbox.records();
    assert!(left.iter().all(|it| it["key"] != json!(id)), "the job's record was deleted");
    assert_eq!(left.len(), LEADS - 1);
    lab.app.stop().await;
}

#[tokio::test]
async fn whoever_switched_jobs_off_gets_batches_only() {
    let lab = Lab::start(Options::default(), json!({ "bulk": "off" })).await;
    lab.act("resume").await;
    lab.until_settled().await;
    lab.all_are_there_once(LEADS);
    assert!(lab.jobs().is_empty());
    lab.app.stop().await;
}
