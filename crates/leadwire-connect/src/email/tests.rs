//! Golden messages, replies, and the connector against a simulated mail server over sockets of this machine.

use super::*;
use crate::egress::guard::{EgressPolicy, Ports};
use crate::egress::mail::{MailAnswer, MailReply, MailStep};
use crate::notice::Item;
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::outcome::{Fault, Outcome, Receipt, Timings};
use leadwire_core::time::Timestamp;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use leadwire_sandbox::service::{Fault as Wrong, Scope};
use leadwire_sandbox::smtp::{MailSandbox, Options, start};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;

/// 2026-11-20T10:00:05Z.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_168_805_000);
pub(super) const ACCEPTED: Outcome = Outcome::Done(Receipt::Accepted);

fn payload(number: u128, attempt: u32) -> Payload {
    let some = |text: &str| Some(text.to_owned());
    Payload {
        delivery: DeliveryId { touchpoint: TouchpointId::new(number), destination: DestinationNo::new(3) },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(number),
        received_at: Timestamp::from_millis(1_795_168_800_000),
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::DoNotContact,
            offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
            offer_title: some("Contoso\r\nBcc: all@contoso.example\r\nCRM Pro"),
            customer: Customer {
                first_name: some("Ada"),
                last_name: some("Lővelace & <Çağ>"),
                email: some("ada@example.com"),
                phone: some("+36201234567"),
                country: some("HU"),
                company: some("Analytical"),
                title: some("CTO"),
            },
            notes: some("Please call\n.\nnot on Monday"),
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

pub(super) fn willing(number: u128) -> Payload {
    let mut payload = payload(number, 1);
    let touchpoint = Arc::make_mut(&mut payload.touchpoint);
    touchpoint.action = Action::Installation;
    touchpoint.offer_title = Some("Contoso CRM Pro".to_owned());
    payload
}

fn settings(more: &Json) -> Settings {
    let mut settings = json!({ "to": "Sales <sales@contoso.example>\ncrm@contoso.example", "server": "mail.example",
        "from": "Leads <leads@contoso.example>" });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.as_object().unwrap().clone()
}

pub(super) fn open(more: &Json) -> Box<dyn Connector> {
    KIND.open(&settings(more)).unwrap_or_else(|refusals| panic!("{refusals:?}"))
}

pub(super) fn egress() -> Egress {
    let policy = EgressPolicy {
        allow_http: true,
        allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
        ports: Ports::Any,
        ..EgressPolicy::default()
    };
    Egress::new(policy, None).unwrap()
}

pub(super) async fn server(refused: &[(&str, &str)]) -> MailSandbox {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::new("a password");
    options.refused = refused.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect::<BTreeMap<_, _>>();
    start(listener, options, Arc::new(|| NOW.millis())).unwrap()
}

/// A destination at the server with two recipients.
pub(super) fn at(server: &MailSandbox, more: &Json) -> Box<dyn Connector> {
    let mut settings = server.destination_settings();
    settings["to"] = json!("sales@contoso.example, crm@contoso.example");
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    open(&settings)
}

async fn deliver(connector: &dyn Connector, payload: Payload) -> Tried {
    let mut delivered = connector.deliver(&[payload], Moment { now: NOW }, &egress()).await;
    delivered.tried.remove(0)
}

#[track_caller]
pub(super) fn check_golden(payload: Payload, more: &Json, golden: &str) {
    let preview = open(more).preview(&[payload], Moment { now: NOW });
    let shown = &preview.requests[0];
    let headers: Vec<String> = shown.headers.iter().map(|it| format!("{}: {}\n", it.0, it.1)).collect();
    let body = String::from_utf8(shown.body.to_vec()).unwrap().replace("\r\n", "\n");
    assert_eq!(format!("{} {}\n{}\n{body}", shown.method, shown.url, headers.concat()), golden);
}

#[test]
fn messages_are_the_golden_ones() {
    check_golden(willing(7), &json!({}), include_str!("golden/lead.txt"));
    let rows = json!({ "mapping": { "Subject": "'Új érdeklődő'", "Lead": null, "Partner": "custom.partner", "Test run": "test" } });
    check_golden(payload(7, 1), &rows, include_str!("golden/do_not_contact.txt"));
}

#[test]
fn a_message_stays_the_same_over_retries() {
    let shown = |attempt| {
        let preview = open(&json!({})).preview(&[payload(7, attempt)], Moment { now: NOW });
        preview.requests[0].body.clone()
    };
    assert_eq!(shown(1), shown(4));
}

#[test]
fn every_reply_of_the_corpus_has_its_verdict() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("verdicts.json")).unwrap();
    assert!(cases.len() >= 60, "{}", cases.len());
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        assert!(!case["source"].as_str().unwrap().is_empty(), "{name}: where is it from?");
        let step = match case["step"].as_str().unwrap() {
            "greeting" => MailStep::Greeting,
            "starttls" => MailStep::StartTls,
            "login" => MailStep::Login,
            "sender" => MailStep::Sender,
            "recipients" => MailStep::Recipients,
            "message" => MailStep::Message,
            other => panic!("{name}: {other}"),
        };
        let (code, text) = case["reply"].as_str().unwrap().split_once(' ').unwrap();
        let reply = MailReply { code: code.parse().unwrap(), text: text.to_owned() };
        let answer = MailAnswer { step, reply, refused: Vec::new(), peer: None, timings: Timings::default() };
        let tried = reply::read(&answer, &[], &[]);
        crate::verdicts::check_one(case, &tried);
    }
}

#[test]
fn a_reply_shows_no_address_of_a_customer() {
    let reply = MailReply { code: 550, text: "5.7.1 <ada@example.com> Lovelace is spam".to_owned() };
    let (step, timings) = (MailStep::Message, Timings::default());
    let answer = MailAnswer { step, reply, refused: Vec::new(), peer: None, timings };
    let shown = reply::read(&answer, &[], &["Lovelace"]).evidence.answer;
    assert_eq!(shown, "550 5.7.1 <[email]> [sent] is spam");
}

#[test]
fn bad_settings_are_named() {
    let refused = |more: Json| {
        let Err(refusals) = KIND.open(&settings(&more)) else { panic!("{more} was taken") };
        refusals.into_iter().map(|it| (it.pointer, it.code)).collect::<Vec<_>>()
    };
    let one = |pointer: &str, code| vec![(pointer.to_owned(), code)];
    assert_eq!(refused(json!({ "to": "sales" })), one("/to", "bad_address"));
    assert_eq!(refused(json!({ "to": "a@x.example\nBcc: b@x.example" })), one("/to", "bad_address"));
    assert_eq!(refused(json!({ "from": "léads@contoso.example" })), one("/from", "bad_address"));
    assert_eq!(refused(json!({ "user": "u" })), one("/password", "missing"));
    assert_eq!(refused(json!({ "password": "p" })), one("/user", "missing"));
    assert_eq!(refused(json!({ "server": "https://mail.example/" })), one("/server", "bad_host"));
    assert_eq!(refused(json!({ "server": "mail.example:25" })), one("/server", "bad_host"));
    assert_eq!(refused(json!({ "port": 0 })), one("/port", "out_of_range"));
    let many: Vec<String> = (0..21).map(|it| format!("a{it}@x.example")).collect();
    assert_eq!(refused(json!({ "to": many.join("\n") })), one("/to", "bad_address"));
}

#[tokio::test]
async fn messages_go_over_one_session_as_long_as_it_lasts() {
    let server = server(&[]).await;
    let connector = at(&server, &json!({}));
    for number in 1..=5 {
        assert_eq!(deliver(&*connector, willing(number)).await.outcome, ACCEPTED);
    }
    assert_eq!((server.sessions(), server.messages().len()), (1, 5));
    let message = &server.messages()[0];
    assert_eq!(message.to, ["sales@contoso.example", "crm@contoso.example"]);
    assert!(message.content.contains("Reply-To: ada@example.com\r\n"), "{}", message.content);
    server.faults(|it| it.next(1, Wrong::Busy, Scope::Writes));
    let busy = deliver(&*connector, willing(6)).await;
    assert_eq!(busy.outcome, Outcome::NotDone(Fault::HoldLane(None)));
    assert_eq!(deliver(&*connector, willing(6)).await.outcome, ACCEPTED);
    assert_eq!((server.sessions(), server.messages().len()), (2, 6));
}

#[tokio::test]
async fn it_is_known_when_it_is_not_known_whether_a_message_arrived() {
    let server = server(&[]).await;
    let connector = at(&server, &json!({}));
    for fault in [
        Wrong::CutBefore,
        Wrong::CutAfter,
        Wrong::CutMidAnswer,
        Wrong::EmptyAnswer,
        Wrong::Html,
        Wrong::HugeAnswer,
    ] {
        server.faults(|it| it.next(1, fault.clone(), Scope::Writes));
        assert_eq!(deliver(&*connector, willing(1)).await.outcome, Outcome::Unknown, "{fault:?}");
    }
    server.faults(|it| it.next(1, Wrong::OkWithError, Scope::Writes));
    assert_eq!(deliver(&*connector, willing(1)).await.outcome, Outcome::Unknown);
    server.faults(|it| it.next(1, Wrong::Failing, Scope::Writes));
    let failing = deliver(&*connector, willing(1)).await;
    assert_eq!(failing.outcome, Outcome::NotDone(Fault::RetryAfter(None)));
    // The two that were kept are one to whoever looks at the id.
    assert_eq!((server.messages().len(), server.distinct()), (2, 1));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_after_the_wait() {
    let server = server(&[]).await;
    server.faults(|it| it.next(1, Wrong::Stall, Scope::Writes));
    let tried = deliver(&*at(&server, &json!({ "timeout_seconds": 4 })), willing(1)).await;
    assert_eq!((tried.outcome, tried.evidence.cause.as_str()), (Outcome::Unknown, "answer_timeout"));
}

#[tokio::test]
async fn one_recipient_that_is_refused_does_not_keep_the_others_from_it() {
    let server = server(&[("crm@contoso.example", "550 5.1.1 No such user")]).await;
    let tried = deliver(&*at(&server, &json!({})), willing(1)).await;
    assert_eq!(tried.outcome, ACCEPTED);
    let message = "the mail server took the message, but not for crm@contoso.example (550): check `to`";
    assert_eq!(tried.evidence.message, message);
    assert_eq!(server.messages()[0].to, ["sales@contoso.example"]);
}

#[tokio::test]
async fn a_recipient_that_is_refused_for_now_is_waited_for_a_while() {
    let server = server(&[("crm@contoso.example", "450 4.7.1 Greylisted")]).await;
    let connector = at(&server, &json!({}));
    for attempt in 1..=ATTEMPTS_FOR_ALL {
        let tried = deliver(&*connector, Payload { attempt, ..willing(1) }).await;
        assert_eq!(tried.outcome, Outcome::NotDone(Fault::RetryAfter(None)));
    }
    assert_eq!(server.tried(), 0);
    let last = Payload { attempt: ATTEMPTS_FOR_ALL + 1, ..willing(1) };
    assert_eq!(deliver(&*connector, last).await.outcome, ACCEPTED);
    assert_eq!((server.tried(), server.sessions()), (1, 1));
}

#[tokio::test]
async fn nobody_pauses_while_one_recipient_is_only_refused_for_now() {
    let refused =
        [("sales@contoso.example", "550 5.1.1 Gone"), ("crm@contoso.example", "450 4.7.1 Greylisted")];
    let server = server(&refused).await;
    let late = Payload { attempt: ATTEMPTS_FOR_ALL + 1, ..willing(1) };
    let tried = deliver(&*at(&server, &json!({})), late).await;
    assert_eq!(tried.outcome, Outcome::NotDone(Fault::RetryAfter(None)), "{tried:?}");
}

#[tokio::test]
async fn no_recipient_at_all_pauses() {
    let refused = [("crm@contoso.example", "550 5.1.1 Gone"), ("sales@contoso.example", "550 5.1.1 Gone")];
    let server = server(&refused).await;
    let tried = deliver(&*at(&server, &json!({})), willing(1)).await;
    assert_eq!(
        (tried.outcome, tried.evidence.cause.as_str()),
        (Outcome::NotDone(Fault::Pause), "recipients_refused")
    );
}

#[tokio::test]
async fn signing_in_fails_in_words_that_help() {
    let server = server(&[]).await;
    let wrong = deliver(&*at(&server, &json!({ "password": "wrong" })), willing(1)).await;
    assert_eq!(
        (wrong.outcome, wrong.evidence.cause.as_str()),
        (Outcome::NotDone(Fault::Pause), "login_refused")
    );
    let other = deliver(&*at(&server, &json!({ "from": "other@contoso.example" })), willing(1)).await;
    assert_eq!(other.evidence.cause, "sender_not_allowed");
    let missing = deliver(&*at(&server, &json!({ "user": null, "password": null })), willing(1)).await;
    assert_eq!(missing.evidence.cause, "login_missing");
    let secret = deliver(&*at(&server, &json!({ "security": "starttls" })), willing(1)).await;
    assert_eq!(secret.evidence.cause, "starttls_missing");
    let tls = deliver(&*at(&server, &json!({ "security": "tls" })), willing(1)).await;
    assert_eq!(tls.evidence.cause, "tls_not_spoken");
}

#[tokio::test]
async fn mail_keeps_to_the_egress_policy() {
    let server = server(&[]).await;
    let try_with = async |policy: EgressPolicy, more: Json| {
        let connector = at(&server, &more);
        let egress = Egress::new(policy, None).unwrap();
        let delivered = connector.deliver(&[willing(1)], Moment { now: NOW }, &egress).await;
        delivered.tried[0].evidence.message.clone()
    };
    let inside = EgressPolicy { allow_nets: vec!["127.0.0.0/8".parse().unwrap()], ..EgressPolicy::default() };
    let said = try_with(inside, json!({})).await;
    assert_eq!(said, "blocked by the egress policy: mail must be encrypted");
    let said =
        try_with(EgressPolicy { allow_http: true, ..EgressPolicy::default() }, json!({ "port": 587 })).await;
    assert_eq!(said, "blocked by the egress policy: the address is not public (loopback)");
    let said = try_with(
        EgressPolicy { allow_http: true, ..EgressPolicy::default() },
        json!({ "server": "mail.example", "port": 25 }),
    )
    .await;
    assert_eq!(said, "blocked by the egress policy: the port is not allowed");
    let own_ports = EgressPolicy { ports: Ports::Only(vec![443]), ..EgressPolicy::default() };
    let said = try_with(own_ports, json!({ "server": "mail.example", "port": 587, "security": "tls" })).await;
    assert_eq!(said, "blocked by the egress policy: the port is not allowed");
    let metadata = json!({ "server": "169.254.169.254", "port": 587 });
    let said = try_with(EgressPolicy { allow_http: true, ..EgressPolicy::default() }, metadata).await;
    assert!(said.starts_with("blocked by the egress policy: the address is never allowed"), "{said}");
    assert_eq!(server.sessions(), 0);
}

#[tokio::test]
async fn a_look_goes_as_far_as_the_recipients_and_sends_nothing() {
    let server = server(&[("crm@contoso.example", "550 5.1.1 No such user")]).await;
    let connector = at(&server, &json!({}));
    let checked = connector.check(Moment { now: NOW }, &egress()).await;
    let seen: Vec<_> = checked.steps.iter().map(|it| (it.name, it.verdict)).collect();
    assert_eq!(seen, [("connection", Verdict::Passed), ("recipients", Verdict::Warned)]);
    let message = "the mail server takes mail, but not for crm@contoso.example (550): check `to`";
    assert_eq!(checked.steps[1].message, message);
    let wrong = at(&server, &json!({ "password": "wrong" })).check(Moment { now: NOW }, &egress()).await;
    assert_eq!((wrong.steps.len(), wrong.steps[0].cause.as_str()), (1, "login_refused"));
    assert_eq!(server.tried(), 0);
}

#[tokio::test]
async fn a_notice_reaches_people() {
    let server = server(&[]).await;
    let item = Item {
        event: "destination.paused".to_owned(),
        name: "crm".to_owned(),
        system: "Salesforce".to_owned(),
        at: NOW,
        cause: "token_refused".to_owned(),
        message: "Salesforce does not take the secret".to_owned(),
        fix: "enter it again".to_owned(),
        waiting: 3,
        ..Item::default()
    };
    let (id, publisher) = ("notice-7".to_owned(), "contoso".to_owned());
    let notice = Notice { id, publisher, at: NOW, items: vec![item] };
    let told = at(&server, &json!({})).tell(&notice, Moment { now: NOW }, &egress()).await;
    assert_eq!(told.unwrap().outcome, ACCEPTED);
    let message = &server.messages()[0];
    assert_eq!(message.id, "<notice.7@contoso.example>");
    assert!(
        message.content.contains("Subject: Leads wait: crm of contoso is paused\r\n"),
        "{}",
        message.content
    );
    assert!(message.content.contains("What to do: enter it again."), "{}", message.content);
}

#[tokio::test]
async fn a_message_for_which_no_connection_was_made_costs_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let more = json!({ "server": "127.0.0.1", "port": closed.port(), "security": "plain" });
    let connector = open(&more);
    let meter = Arc::new(crate::egress::meter::Meter::new(Some(1), connector.calls().told));
    let egress = egress().metered(Arc::clone(&meter));
    for _ in 0..2 {
        let tried = connector.deliver(&[willing(1)], Moment { now: NOW }, &egress).await.tried.remove(0);
        assert_eq!(tried.evidence.cause, "connection_refused", "{tried:?}");
    }
    assert_eq!(meter.take().0, 0);
    let server = server(&[]).await;
    let there = at(&server, &json!({}));
    there.deliver(&[willing(1)], Moment { now: NOW }, &egress).await;
    assert_eq!((meter.take().0, server.tried()), (1, 1));
}
