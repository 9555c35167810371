//! The connector against a simulated account, over sockets of this machine.

use super::tests::{NOW, lab, payload};
use super::*;
use crate::validation::Verdict;
use leadwire_core::id::{DeliveryId, LeadId, TouchpointId};
use leadwire_core::outcome::{Fault, Outcome};
use leadwire_core::touchpoint::{Action, Touchpoint};
use leadwire_sandbox::azure_table::{AzureTable as Account, Options};
use leadwire_sandbox::service::{Fault as Wrong, Options as Serving, Sandbox, Scope, start};
use serde_json::json;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

struct Lab {
    account: Arc<Mutex<Account>>,
    sandbox: Sandbox,
    connector: Box<dyn Connector>,
    egress: Egress,
    now: Arc<AtomicI64>,
}

impl Lab {
    /// `settings` makes them of the address of the account.
    async fn start(options: Options, settings: impl FnOnce(&Account, &str) -> Value) -> Self {
        let now = Arc::new(AtomicI64::new(NOW.now.millis()));
        let account = Arc::new(Mutex::new(Account::new(options)));
        let clock = Arc::clone(&now);
        let serving = Serving::new(Arc::new(move || clock.load(Ordering::Relaxed)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = start(listener, Box::new(Arc::clone(&account)), serving).unwrap();
        let mut merged = sandbox.destination_settings();
        merged["timeout_seconds"] = json!(6);
        for (name, value) in settings(&account.lock().unwrap(), &sandbox.url()).as_object().unwrap() {
            merged[name] = value.clone();
        }
        if merged["auth"].as_str().is_some_and(|it| it.starts_with("entra")) {
            merged.as_object_mut().unwrap().remove("connection_string");
        }
        let connector = KIND.open(merged.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
        Self { account, sandbox, connector, egress: lab(), now }
    }

    async fn with(settings: Value) -> Self {
        Self::start(Options::new("s"), |_, _| settings).await
    }

    async fn plain() -> Self {
        Self::with(json!({})).await
    }

    /// Signed in with a SAS that the account made.
    async fn with_sas(options: Options, sas: impl FnOnce(&Account) -> String) -> Self {
        Self::start(
            options,
            |account, url| json!({ "connection_string": format!("{url}/leadwiresandbox?{}", sas(account)) }),
        )
        .await
    }

    async fn with_entra(options: Options) -> Self {
        let directory = options.directory.clone();
        Self::start(options, |_, url| {
            json!({
                "auth": "entra_secret",
                "account_url": format!("{url}/leadwiresandbox"),
                "authority": url,
                "tenant": directory.tenant,
                "client_id": directory.client_id,
                "client_secret": directory.client_secret,
            })
        })
        .await
    }

    fn moment(&self) -> Moment {
        Moment { now: Timestamp::from_millis(self.now.load(Ordering::Relaxed)) }
    }

    async fn deliver(&self, batch: &[Payload]) -> Delivered {
        let delivered = self.connector.deliver(batch, self.moment(), &self.egress).await;
        assert_eq!(delivered.tried.len(), batch.len());
        delivered
    }

    async fn one(&self, payload: Payload) -> Tried {
        self.deliver(&[payload]).await.tried.remove(0)
    }

    fn next(&self, fault: Wrong, scope: Scope) {
        self.sandbox.faults(|it| it.next(1, fault, scope));
    }

    fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    fn field(&self, at: usize, name: &str) -> Value {
        self.sandbox.records()[at]["fields"][name].clone()
    }
}

fn with(mut payload: Payload, change: impl FnOnce(&mut Touchpoint)) -> Payload {
    change(Arc::make_mut(&mut payload.touchpoint));
    payload
}

/// Leads that were made on other days.
fn days_later(mut payload: Payload, days: u128) -> Payload {
    let more = (days * 86_400_000) << 80;
    payload.lead = LeadId::new(payload.lead.bits() + more);
    let touchpoint = TouchpointId::new(payload.delivery.touchpoint.bits() + more);
    payload.delivery = DeliveryId { touchpoint, ..payload.delivery };
    payload
}

#[track_caller]
fn assert_done(delivered: &Delivered) {
    for it in &delivered.tried {
        assert!(matches!(it.outcome, Outcome::Done(Receipt::Confirmed { .. })), "{it:?}");
    }
}

#[tokio::test]
async fn a_hundred_new_leads_are_one_call_once_the_table_is_there() {
    let lab = Lab::plain().await;
    let batch: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    assert_done(&delivered);
    // The transaction, the table, and the transaction again.
    assert_eq!(delivered.calls, 3);
    let more: Vec<Payload> = (101..=200).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&more).await;
    assert_done(&delivered);
    assert_eq!(delivered.calls, 1);
    let records = lab.sandbox.records();
    assert_eq!(records.len(), 200);
    assert_eq!(records[0]["table"], "MarketplaceLeads");
    assert_eq!(records[0]["partition"], "2026-11-20");
    let record = format!("2026-11-20/{}", batch[0].lead);
    assert_eq!(records[0]["row"], json!(batch[0].lead.to_string()));
    let first = lab.one(payload(1, 1, 2)).await;
    assert_eq!(first.outcome, Outcome::Done(Receipt::Confirmed { record }));
    let info: Value = serde_json::from_str(lab.field(0, "CustomerInfo").as_str().unwrap()).unwrap();
    assert_eq!((&info["Email"], &info["Country"]), (&json!("ada1@example.com"), &json!("GB")));
    assert_eq!(lab.field(0, "LeadSource"), "AzureMarketplace-INS|contoso.crm-pro");
}

#[tokio::test]
async fn leads_of_several_days_are_a_transaction_each_and_none_is_missing() {
    let lab = Lab::plain().await;
    let batch: Vec<Payload> = (0..90).map(|it| days_later(payload(it + 1, it + 1, 1), it % 3)).collect();
    let delivered = lab.deliver(&batch).await;
    assert_done(&delivered);
    // One of the three found no table.
    assert_eq!(delivered.calls, 5);
    assert_eq!(lab.sandbox.records().len(), 90);
    // An attempt has an end: leads of too many days are left to smaller batches.
    let many: Vec<Payload> =
        (0..30).map(|it| days_later(payload(it + 1000, it + 1000, 1), it + 10)).collect();
    let delivered = lab.deliver(&many).await;
    let done = delivered.tried.iter().filter(|it| matches!(it.outcome, Outcome::Done(_))).count();
    assert_eq!((done, delivered.calls, lab.sandbox.records().len()), (20, 20, 110));
    assert_eq!(delivered.tried[29].outcome, Outcome::NotDone(Fault::SmallerBatch));
}

#[tokio::test]
async fn a_row_that_people_edited_keeps_what_they_wrote() {
    let lab = Lab::with(json!({ "layout": "flat" })).await;
    lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await;
    let row = payload(1, 1, 1).lead.to_string();
    lab.account().edit("MarketplaceLeads", &row, "Company", json!("Typed By Hand"));
    // Alone, and with another lead that is new.
    for batch in [vec![payload(1, 11, 1)], vec![payload(1, 12, 1), payload(3, 3, 1)]] {
        let later = batch.into_iter().map(|it| {
            with(it, |it| {
                it.action = Action::DoNotContact;
                it.customer.company = Some("Another".to_owned());
            })
        });
        let delivered = lab.deliver(&later.collect::<Vec<_>>()).await;
        assert_done(&delivered);
        assert_eq!(lab.field(0, "Company"), "Typed By Hand");
        assert_eq!((lab.field(0, "Action"), lab.field(0, "LastAction")), (json!("INS"), json!("DNC")));
        assert_eq!(lab.field(0, "DoNotContact"), true);
    }
    assert_eq!(lab.sandbox.records().len(), 3);
}

#[tokio::test]
async fn what_is_there_already_is_found_in_one_look_and_the_rest_is_made() {
    let lab = Lab::plain().await;
    let half: Vec<Payload> = (1..=50).map(|it| payload(it, it, 1)).collect();
    lab.deliver(&half).await;
    // Again, as after an answer that was lost, and with leads that never were there.
    let all: Vec<Payload> = (1..=100).map(|it| payload(it, it, 2)).collect();
    let delivered = lab.deliver(&all).await;
    assert_done(&delivered);
    assert_eq!(delivered.calls, 2);
    assert_eq!(delivered.tried[0].evidence.message, "the row was there already");
    assert_eq!(lab.sandbox.records().len(), 100);
    // A restored backup takes what it sends for new.
    let forgotten: Vec<Payload> = (1..=100).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&forgotten).await;
    assert_done(&delivered);
    assert_eq!((delivered.calls, lab.sandbox.records().len()), (2, 100));
}

#[tokio::test]
async fn a_row_that_is_refused_is_parked_alone_and_the_others_go_on() {
    let lab = Lab::with(json!({ "mapping": { "A": "custom.a", "B": "custom.b", "C": "custom.c" } })).await;
    lab.deliver(&[payload(100, 100, 1)]).await;
    lab.next(Wrong::Partial, Scope::Writes);
    let delivered = lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1), payload(3, 3, 1)]).await;
    let causes: Vec<&str> = delivered.tried.iter().map(|it| it.evidence.cause.as_str()).collect();
    assert_eq!(causes, ["", "field_invalid", ""]);
    assert_eq!(delivered.tried[1].outcome, Outcome::NotDone(Fault::Park));
    assert_eq!((delivered.calls, lab.sandbox.records().len()), (2, 3));
}

#[tokio::test]
async fn many_refused_rows_are_left_to_smaller_batches() {
    let lab = Lab::plain().await;
    lab.deliver(&[payload(100, 100, 1)]).await;
    lab.sandbox.faults(|it| it.always(Wrong::Partial, Scope::Writes));
    let batch: Vec<Payload> = (1..=20).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    let count =
        |fault: Fault| delivered.tried.iter().filter(|it| it.outcome == Outcome::NotDone(fault)).count();
    assert_eq!((count(Fault::Park), count(Fault::SmallerBatch)), (8, 12));
    assert_eq!((delivered.calls, lab.sandbox.records().len()), (8, 1));
}

#[tokio::test]
async fn every_lead_arrives_once_when_a_third_of_the_answers_is_lost_after_the_work_was_done() {
    for settings in [json!({}), json!({ "layout": "flat", "partition": "publisher_day" })] {
        let lab = Lab::with(settings).await;
        lab.sandbox.faults(|it| it.share(0.3, Wrong::CutAfter, Scope::Writes));
        let mut waiting: Vec<Payload> = (1..=2000).map(|it| payload(it, it, 1)).collect();
        while !waiting.is_empty() {
            let batch: Vec<Payload> = waiting.drain(..waiting.len().min(100)).collect();
            let delivered = lab.deliver(&batch).await;
            for (mut payload, tried) in batch.into_iter().zip(delivered.tried) {
                if !matches!(tried.outcome, Outcome::Done(_)) {
                    payload.attempt += 1;
                    waiting.push(payload);
                }
            }
        }
        assert_eq!(lab.sandbox.records().len(), 2000);
    }
}

#[tokio::test]
async fn trouble_of_the_account_is_told_from_trouble_with_a_lead() {
    let lab = Lab::plain().await;
    lab.deliver(&[payload(100, 100, 1)]).await;
    for (trouble, cause, outcome) in [
        (Wrong::Busy, "rate_limited", Outcome::NotDone(Fault::HoldLane(None))),
        (Wrong::Failing, "service_failed", Outcome::Unknown),
        (Wrong::OkWithError, "service_slow", Outcome::Unknown),
        (Wrong::Html, "answer_html", Outcome::Unknown),
        (Wrong::EmptyAnswer, "answer_unreadable", Outcome::Unknown),
        (Wrong::HugeAnswer, "answer_unreadable", Outcome::Unknown),
        (Wrong::CutBefore, "connection_lost", Outcome::Unknown),
    ] {
        lab.next(trouble.clone(), Scope::Writes);
        let delivered = lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await;
        for tried in &delivered.tried {
            assert_eq!((&*tried.evidence.cause, &tried.outcome), (cause, &outcome), "{trouble:?}");
        }
    }
    assert_eq!(lab.sandbox.records().len(), 1);
}

#[tokio::test]
async fn cosmos_db_that_has_had_too_much_says_for_how_long() {
    let options = Options { is_cosmos: true, ..Options::new("s") };
    let lab = Lab::start(options, |_, _| json!({ "service": "cosmos", "layout": "flat" })).await;
    assert_done(&lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await);
    // Cosmos DB takes no PATCH: merges go as POST, alone and in a transaction.
    assert_done(&lab.deliver(&[payload(1, 11, 1)]).await);
    assert_done(&lab.deliver(&[payload(1, 12, 1), payload(2, 13, 1)]).await);
    assert_eq!(lab.sandbox.records().len(), 2);
    lab.next(Wrong::Busy, Scope::Writes);
    let tried = lab.one(payload(3, 3, 1)).await;
    assert_eq!(tried.outcome, Outcome::NotDone(Fault::HoldLane(Some(Duration::from_secs(3)))));
}

#[tokio::test]
async fn a_table_that_is_missing_or_going_away_loses_nothing() {
    let kept = Lab::with(json!({ "create_table": "no" })).await;
    let tried = kept.one(payload(1, 1, 1)).await;
    assert_eq!((&*tried.evidence.cause, &tried.outcome), ("table_missing", &Outcome::NotDone(Fault::Pause)));

    let lab = Lab::plain().await;
    lab.deliver(&[payload(1, 1, 1)]).await;
    lab.account().delete_table("MarketplaceLeads", NOW.now.millis());
    let batch = [payload(2, 2, 1), payload(3, 3, 1)];
    for tried in lab.deliver(&batch).await.tried {
        let wait = Fault::HoldLane(Some(Duration::from_secs(40)));
        assert_eq!((&*tried.evidence.cause, tried.outcome), ("table_being_deleted", Outcome::NotDone(wait)));
    }
    lab.now.fetch_add(41_000, Ordering::Relaxed);
    assert_done(&lab.deliver(&batch).await);
}

#[tokio::test]
async fn a_row_that_was_deleted_in_between_is_made_anew() {
    let lab = Lab::with(json!({ "layout": "flat" })).await;
    lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await;
    let row = payload(1, 1, 1).lead.to_string();
    lab.account().delete_row("MarketplaceLeads", "2026-11-20", &row);
    let delivered = lab.deliver(&[payload(1, 11, 1), payload(2, 12, 1)]).await;
    assert_done(&delivered);
    assert_eq!(lab.sandbox.records().len(), 2);
}

#[tokio::test]
async fn wrong_credentials_and_a_closed_network_pause_the_lane() {
    let lab = Lab::plain().await;
    lab.account().change(|it| it.key = super::tests::KEY.to_owned());
    let tried = lab.one(payload(1, 1, 1)).await;
    assert_eq!(
        (&*tried.evidence.cause, &tried.outcome),
        ("sign_in_refused", &Outcome::NotDone(Fault::Pause))
    );
    assert!(!tried.evidence.answer.contains("SharedKey"), "{:?}", tried.evidence);

    let lab = Lab::plain().await;
    lab.now.fetch_add(16 * 60 * 1000, Ordering::Relaxed);
    let late = lab.connector.deliver(&[payload(1, 1, 1)], NOW, &lab.egress).await.tried.remove(0);
    assert_eq!(late.evidence.cause, "sign_in_refused");
    assert!(late.evidence.fix.contains("clock"));

    let lab = Lab::plain().await;
    lab.account().change(|it| it.is_closed = true);
    let tried = lab.one(payload(1, 1, 1)).await;
    assert_eq!((&*tried.evidence.cause, &tried.outcome), ("access_refused", &Outcome::NotDone(Fault::Pause)));
}

const UNTIL: &str = "2027-01-01T00:00:00Z";

#[tokio::test]
async fn an_account_signature_writes_transactions_and_makes_the_table() {
    let lab = Lab::with_sas(Options::new("s"), |it| it.account_sas("raucw", UNTIL)).await;
    assert_eq!(lab.connector.ends_at(), leadwire_core::rfc3339::parse(UNTIL));
    assert_done(&lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await);
    assert!(lab.connector.check(NOW, &lab.egress).await.is_passed());
    // Its time is over.
    lab.now.store(leadwire_core::rfc3339::parse(UNTIL).unwrap().millis(), Ordering::Relaxed);
    let tried = lab.one(payload(3, 3, 1)).await;
    assert_eq!((&*tried.evidence.cause, &tried.outcome), ("sas_ended", &Outcome::NotDone(Fault::Pause)));
}

#[tokio::test]
async fn a_table_signature_that_permits_no_transaction_writes_rows_one_by_one() {
    let lab = Lab::with_sas(Options::new("s"), |it| it.table_sas("MarketplaceLeads", "rau", UNTIL)).await;
    // Such a signature cannot make a table.
    let tried = lab.one(payload(1, 1, 1)).await;
    assert_eq!((&*tried.evidence.cause, &tried.outcome), ("access_refused", &Outcome::NotDone(Fault::Pause)));
    let key = lab.sandbox.destination_settings();
    let owner = KIND.open(key.as_object().unwrap()).unwrap_or_else(|it| panic!("{it:?}"));
    owner.prepare(NOW, &lab.egress).await.unwrap();

    assert_eq!(lab.connector.batch_max(), 100);
    let batch: Vec<Payload> = (1..=30).map(|it| payload(it, it, 1)).collect();
    let delivered = lab.deliver(&batch).await;
    let done = delivered.tried.iter().filter(|it| matches!(it.outcome, Outcome::Done(_))).count();
    assert_eq!((done, delivered.calls, lab.sandbox.records().len()), (20, 21, 20));
    assert_eq!(delivered.tried[29].outcome, Outcome::NotDone(Fault::SmallerBatch));
    assert_eq!(lab.connector.batch_max(), 20);
    let again: Vec<Payload> = (11..=30).map(|it| payload(it, it, 2)).collect();
    assert_done(&lab.deliver(&again).await);
    assert_eq!(lab.sandbox.records().len(), 30);
}

#[tokio::test]
async fn a_signature_that_may_only_add_writes_and_says_what_it_cannot() {
    let options = Options { is_batch_open: true, ..Options::new("s") };
    let lab = Lab::with_sas(options, |it| it.account_sas("ac", UNTIL)).await;
    assert_done(&lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await);
    // No look is possible: each that is there is told by the refusal.
    assert_done(&lab.deliver(&[payload(1, 1, 2), payload(2, 2, 2), payload(3, 3, 1)]).await);
    assert_eq!(lab.sandbox.records().len(), 3);
    let checked = lab.connector.check(NOW, &lab.egress).await;
    let verdicts: Vec<(&str, Verdict)> = checked.steps.iter().map(|it| (it.name, it.verdict)).collect();
    assert_eq!(
        verdicts,
        [("sign_in", Verdict::Warned), ("table", Verdict::Skipped), ("permission", Verdict::Warned)]
    );
}

#[tokio::test]
async fn an_app_signs_in_and_a_token_that_was_forgotten_is_fetched_again() {
    let lab = Lab::with_entra(Options::new("s")).await;
    assert_done(&lab.deliver(&[payload(1, 1, 1), payload(2, 2, 1)]).await);
    assert_eq!(lab.deliver(&[payload(3, 3, 1)]).await.calls, 1);
    lab.next(Wrong::TokenExpired, Scope::Writes);
    let tried = lab.one(payload(4, 4, 1)).await;
    assert_eq!(
        (&*tried.evidence.cause, &tried.outcome),
        ("token_refused", &Outcome::NotDone(Fault::RetryNow))
    );
    let delivered = lab.deliver(&[payload(4, 4, 2)]).await;
    assert_done(&delivered);
    assert_eq!(delivered.calls, 2);
    lab.account().change(|it| it.has_role = false);
    let tried = lab.one(payload(5, 5, 1)).await;
    assert_eq!((&*tried.evidence.cause, &tried.outcome), ("access_missing", &Outcome::NotDone(Fault::Pause)));
    assert!(tried.evidence.fix.contains("Storage Table Data Contributor"));

    let mut wrong = Options::new("s");
    wrong.directory.is_secret_expired = true;
    let lab = Lab::with_entra(wrong).await;
    let checked = lab.connector.check(NOW, &lab.egress).await;
    assert_eq!(checked.steps.last().unwrap().cause, "token_secret_expired");
}

#[tokio::test]
async fn a_look_creates_the_table_proves_the_permission_and_writes_no_row() {
    let lab = Lab::plain().await;
    let checked = lab.connector.check(NOW, &lab.egress).await;
    let steps: Vec<(&str, &str)> = checked.steps.iter().map(|it| (it.name, it.message.as_str())).collect();
    assert_eq!(
        steps,
        [("sign_in", "signed in"), ("table", "it was created"), ("permission", "rows may be written")]
    );
    assert!(checked.is_passed() && lab.sandbox.records().is_empty());
    let again = lab.connector.check(NOW, &lab.egress).await;
    assert_eq!(again.steps[1].message, "it is there");

    let kept = Lab::with(json!({ "create_table": "no" })).await;
    let checked = kept.connector.check(NOW, &kept.egress).await;
    assert_eq!(checked.steps.last().unwrap().cause, "table_missing");
    let prepared = kept.connector.prepare(NOW, &kept.egress).await.unwrap();
    assert_eq!(prepared[0].verdict, Verdict::Passed);
    assert!(kept.connector.check(NOW, &kept.egress).await.is_passed());

    let reader = Lab::with_entra(Options { has_role: false, ..Options::new("s") }).await;
    let checked = reader.connector.check(NOW, &reader.egress).await;
    assert_eq!(checked.steps.last().unwrap().cause, "access_missing");
}

#[tokio::test]
async fn a_test_lead_is_read_back_and_taken_away() {
    let lab = Lab::plain().await;
    let test = payload(1, 1, 1);
    let delivered = lab.deliver(std::slice::from_ref(&test)).await;
    let Outcome::Done(receipt) = &delivered.tried[0].outcome else { panic!("{delivered:?}") };
    let back = lab.connector.read_back(&test, receipt, NOW, &lab.egress).await.unwrap();
    assert_eq!(back.verdict, Verdict::Passed, "{back:?}");
    let gone = lab.connector.clean_up(&test, receipt, NOW, &lab.egress).await.unwrap();
    assert_eq!((gone.verdict, lab.sandbox.records().len()), (Verdict::Passed, 0));
    let back = lab.connector.read_back(&test, receipt, NOW, &lab.egress).await.unwrap();
    assert_eq!(back.verdict, Verdict::Failed);
}
