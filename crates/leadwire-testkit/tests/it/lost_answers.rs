//! Answers that get lost after the work was done: a small round of what `scripts/lost-answers` does with many leads.

use leadwire_testkit::lost_answers::{KEYED, run};

#[tokio::test]
async fn nothing_is_missing_or_doubled_when_answers_get_lost() {
    for kind in KEYED {
        let found = run(kind, 2000, 0.5).await;
        assert_eq!((found.missing, found.doubled), (0, 0), "{kind}: {found:?}");
        assert!(found.repeated > 0, "{kind}: no answer was lost, so nothing was proved: {found:?}");
    }
}
