//! What became of leads, read by every kind that says it can: all of it, in order, in pages, and nobody else's.

use super::other_side::{OtherSide, payload};
use super::{FAULTS, Wrong};
use leadwire_connect::feedback::{Change, Position, Whose};
use leadwire_connect::validation::Verdict;
use leadwire_connect::{CONNECTORS, Connector, Payload};
use leadwire_core::feedback::FeedbackKind;
use leadwire_core::outcome::{Fault, Outcome, Receipt, Tried};
use leadwire_sandbox::service::Became;
use std::collections::BTreeSet;
use std::time::Duration;

/// More than a page of any kind.
const MANY: usize = 320;
const MINUTE: Duration = Duration::from_secs(60);

fn record(tried: &Tried) -> String {
    match &tried.outcome {
        Outcome::Done(Receipt::Confirmed { record }) => record.clone(),
        other => panic!("{other:?}"),
    }
}

/// Asks page after page until there is no more.
async fn read(side: &OtherSide, connector: &dyn Connector, from: Position) -> (Vec<Change>, Position, usize) {
    let (mut items, mut position, mut pages) = (Vec::new(), from, 0);
    loop {
        let asked = connector.changes(&position, side.moment(), &side.egress).await.unwrap();
        let changes = asked.unwrap_or_else(|tried| panic!("{}: {tried:?}", side.kind));
        assert!(changes.calls >= 1 && changes.position.from >= position.from, "{}", side.kind);
        // As it is kept between two pages.
        position = Position::parse(&changes.position.to_text()).unwrap();
        assert_eq!(position, changes.position);
        items.extend(changes.items);
        pages += 1;
        assert!(pages < 20, "{} never comes to an end", side.kind);
        if changes.is_end {
            return (items, position, pages);
        }
    }
}

#[track_caller]
fn check_whose(side: &OtherSide, change: &Change, payload: &Payload) {
    let is_its = match &change.whose {
        Whose::Lead(lead) => *lead == payload.lead,
        Whose::Customer(customer) => customer.email == payload.touchpoint.customer.email,
    };
    assert!(is_its, "{}: {change:?}", side.kind);
    assert_eq!(change.at, side.moment().now, "{}", side.kind);
    side.check_discreet(&format!("{change:?}"), side.kind);
}

#[tokio::test]
async fn what_became_of_leads_is_read_by_every_kind_that_says_it_can() {
    let reads: Vec<&str> = CONNECTORS.iter().filter(|it| it.reads_feedback()).map(|it| it.name).collect();
    assert_eq!(reads, ["dynamics", "hubspot", "marketo", "salesforce"]);
    for kind in CONNECTORS {
        let side = OtherSide::start(kind).await;
        let begin = Position::at(side.moment().now);
        assert_eq!(side.connector.feedback_every(), None, "{}: nobody switched it on", kind.name);
        if !kind.reads_feedback() {
            assert!(side.connector.changes(&begin, side.moment(), &side.egress).await.is_none());
            continue;
        }
        let connector = side.reading();
        assert_eq!(connector.feedback_every(), Some(15 * MINUTE));
        let checked = connector.check(side.moment(), &side.egress).await;
        let step = checked.steps.iter().find(|it| it.name == "feedback").unwrap();
        assert_eq!(step.verdict, Verdict::Passed, "{}: {step:?}", kind.name);
        let batch: Vec<_> = (0..4).map(|it| payload(it, 1)).collect();
        let records: Vec<String> = side.deliver(&batch).await.iter().map(record).collect();
        let (items, position, _) = read(&side, &*connector, begin).await;
        assert_eq!(items, [], "{}: nothing became of them yet", kind.name);

        side.pass(MINUTE);
        assert!(side.stage.decide(&records[2], Became::Qualified));
        assert!(side.stage.decide(&records[0], Became::Disqualified));
        let (items, position, _) = read(&side, &*connector, position).await;
        let said: Vec<_> = items.iter().map(|it| (it.record.clone(), it.kind)).collect();
        let expected = [(2, FeedbackKind::Qualified), (0, FeedbackKind::Disqualified)];
        let expected: BTreeSet<_> = expected.map(|it| (records[it.0].clone(), it.1)).into();
        assert_eq!(said.iter().cloned().collect::<BTreeSet<_>>(), expected, "{}", kind.name);
        for change in &items {
            check_whose(&side, change, &batch[records.iter().position(|it| *it == change.record).unwrap()]);
            assert!(!change.reason.is_empty(), "{}: {change:?}", kind.name);
        }
        // A change becomes visible after one that was read, with a moment before it: the overlap finds it.
        let (again, position, _) = read(&side, &*connector, position).await;
        assert!(again.iter().all(|it| items.contains(it)), "{}: {again:?}", kind.name);
        side.pass(10 * MINUTE);
        if kind.name != "dynamics" {
            assert!(side.stage.decide(&records[2], Became::Converted));
            let (items, ..) = read(&side, &*connector, position).await;
            let last = items.last().map(|it| (it.record.clone(), it.kind));
            assert_eq!(last, Some((records[2].clone(), FeedbackKind::Converted)), "{}", kind.name);
        }
        side.stop().await;
    }
}

#[tokio::test]
async fn pages_of_changes_leave_nothing_out_though_all_are_of_one_moment() {
    for kind in CONNECTORS.iter().filter(|it| it.reads_feedback()) {
        let side = OtherSide::start(kind).await;
        let connector = side.reading();
        let begin = Position::at(side.moment().now);
        let all: Vec<_> = (0..MANY).map(|it| payload(it, 1)).collect();
        let mut records = Vec::new();
        for batch in all.chunks(side.connector.batch_max()) {
            records.extend(side.deliver(batch).await.iter().map(record));
        }
        side.pass(10 * MINUTE);
        assert!(records.iter().all(|it| side.stage.decide(it, Became::Qualified)));
        let (items, position, pages) = read(&side, &*connector, begin).await;
        assert!(pages > 1, "{}: one page", kind.name);
        let found: BTreeSet<&String> = items.iter().map(|it| &it.record).collect();
        assert_eq!(found, records.iter().collect(), "{}", kind.name);
        // A word for the next page that is lost or spoilt costs a repetition, and no change.
        let spoilt =
            Position { next: Some(format!("{}x", position.next.clone().unwrap_or_default())), ..position };
        let asked = connector.changes(&spoilt, side.moment(), &side.egress).await.unwrap();
        if let Ok(changes) = asked {
            assert_eq!(changes.position.from, spoilt.from, "{}", kind.name);
        }
        side.stop().await;
    }
}

#[tokio::test]
async fn what_changes_between_two_pages_pushes_nothing_over_their_border() {
    for kind in CONNECTORS.iter().filter(|it| it.reads_feedback()) {
        let side = OtherSide::start(kind).await;
        let connector = side.reading();
        let begin = Position::at(side.moment().now);
        let all: Vec<_> = (0..MANY).map(|it| payload(it, 1)).collect();
        let mut records = Vec::new();
        for batch in all.chunks(side.connector.batch_max()) {
            records.extend(side.deliver(batch).await.iter().map(record));
        }
        for record in &records {
            side.pass(Duration::from_millis(10));
            assert!(side.stage.decide(record, Became::Qualified));
        }
        let asked = connector.changes(&begin, side.moment(), &side.egress).await.unwrap();
        let first = asked.unwrap_or_else(|tried| panic!("{}: {tried:?}", kind.name));
        assert!(!first.is_end, "{}: one page", kind.name);
        // Records of the page that was read move to the end, and all others one place forward.
        side.pass(MINUTE);
        for change in first.items.iter().take(20) {
            assert!(side.stage.decide(&change.record, Became::Disqualified), "{}", kind.name);
        }
        let (mut rest, position, _) = read(&side, &*connector, first.position).await;
        // A page of Salesforce is of the moment of the question, and the next question finds the rest.
        rest.extend(read(&side, &*connector, position).await.0);
        let found: BTreeSet<&String> = first.items.iter().chain(&rest).map(|it| &it.record).collect();
        assert_eq!(found, records.iter().collect(), "{}", kind.name);
        let again = rest.iter().filter(|it| it.kind == FeedbackKind::Disqualified);
        assert_eq!(again.map(|it| &it.record).collect::<BTreeSet<_>>().len(), 20, "{}", kind.name);
        side.stop().await;
    }
}

#[tokio::test]
async fn whatever_goes_wrong_with_a_reading_nothing_is_lost_and_it_is_said_why() {
    for kind in CONNECTORS.iter().filter(|it| it.reads_feedback()) {
        let side = OtherSide::start(kind).await;
        let records: Vec<String> = side.deliver(&[payload(0, 1)]).await.iter().map(record).collect();
        let connector = side.reading();
        let begin = Position::at(side.moment().now);
        side.pass(MINUTE);
        assert!(side.stage.decide(&records[0], Became::Qualified));
        // A first one, so that a token is at hand.
        read(&side, &*connector, begin.clone()).await;
        for fault in FAULTS.iter().filter(|it| **it != Wrong::Stall) {
            side.stage.strike_any(1, fault);
            let asked = connector.changes(&begin, side.moment(), &side.egress).await.unwrap();
            let about = format!("{}, {fault:?}: {asked:?}", kind.name);
            // Where the program goes on after it: from the place that the answer told, or from where it asked.
            let (mut items, from) = match asked {
                Ok(changes) => {
                    assert!(changes.items.iter().all(|it| it.record == records[0]), "{about}");
                    assert!(!changes.items.is_empty() || !changes.is_end, "it passed for an end; {about}");
                    (changes.items, changes.position)
                }
                Err(tried) => {
                    assert!(
                        matches!(tried.outcome, Outcome::NotDone(_)),
                        "a reading writes nothing; {about}"
                    );
                    assert!(
                        !tried.evidence.cause.is_empty() && !tried.evidence.message.is_empty(),
                        "{about}"
                    );
                    side.check_discreet(&format!("{:?}", tried.evidence), &about);
                    (Vec::new(), begin.clone())
                }
            };
            side.pass_a_day();
            items.extend(read_patiently(&side, &*connector, from).await.0);
            let found: BTreeSet<&String> = items.iter().map(|it| &it.record).collect();
            assert_eq!(found, records.iter().collect(), "it was passed by; {about}");
        }
        side.stop().await;
    }
}

/// Reads as the program does: once more when the token was refused.
async fn read_patiently(
    side: &OtherSide,
    connector: &dyn Connector,
    from: Position,
) -> (Vec<Change>, Position, usize) {
    let first = connector.changes(&from, side.moment(), &side.egress).await.unwrap();
    if let Err(tried) = first {
        assert_eq!(tried.outcome, Outcome::NotDone(Fault::RetryNow), "{}: {tried:?}", side.kind);
    }
    read(side, connector, from).await
}
