//! Answers that get lost after the work was done: a small round of what `scripts/lost-answers` does with many leads.

use leadwire_testkit::lost_answers::{KEYED, Loser, run};

#[tokio::test]
async fn nothing_is_missing_or_doubled_when_answers_get_lost() {
    for kind in KEYED {
        let found = run(kind, 2000, 500, Loser::Destination).await;
        assert_eq!((found.missing, found.doubled), (0, 0), "{kind}: {found:?}");
        assert!(found.repeated > 0, "{kind}: no answer was lost, so nothing was proved: {found:?}");
    }
}

#[tokio::test]
async fn nothing_is_missing_or_doubled_when_connections_are_cut_anywhere() {
    for kind in KEYED {
        let found = run(kind, 2000, 300, Loser::Proxy(7)).await;
        assert_eq!((found.missing, found.doubled), (0, 0), "{kind}: {found:?}");
        assert!(found.cuts.iter().all(|it| *it > 0), "{kind}: not every cut was made: {found:?}");
    }
}
