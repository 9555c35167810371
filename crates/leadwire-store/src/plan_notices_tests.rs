//! Runs every statement about notices, for their plans to be looked at.

use crate::lanes::LaneKey;
use crate::notices::{Gathered, Message, Mute, Said, Sent, Way, Whose};
use crate::{Store, StoreError};
use leadwire_core::id::{DestinationNo, OfferId, PublisherId, TouchpointId};
use leadwire_core::notice::NoticeKind;
use leadwire_core::time::Timestamp;

/// What is read whole on purpose: what a statement has just gathered, within a bound.
pub(crate) const READ_WHOLE: &[&str] = &["waiting", "parked"];
/// What every round looks at, and how.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    (
        "…fix FROM delivery WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim = 0",
        &[
            "SEARCH delivery USING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim=? AND due_at>?)",
        ],
    ),
    (
        "…fix FROM delivery WHERE state = 'pending' AND publisher_id = $1 AND destination_no = $2 AND claim > 0",
        &["SEARCH delivery USING INDEX delivery_due (publisher_id=? AND destination_no=? AND claim>?)"],
    ),
    ("SELECT due_at FROM notice WHERE…", &["SEARCH notice USING COVERING INDEX notice_due (due_at>?)"]),
    (
        "SELECT 1 FROM notice WHERE publisher_id = $1 AND destination_no = $2 AND about = $3 AND kind = $4 AND lasts = 1…",
        &[
            "SEARCH notice USING COVERING INDEX notice_lasting (publisher_id=? AND destination_no=? AND about=? AND kind=?)",
        ],
    ),
    (
        "…FROM notice WHERE publisher_id = $1 ORDER BY at DESC",
        &["SEARCH notice USING INDEX notice_newest (publisher_id=?)"],
    ),
    (
        "SELECT destination_no, number FROM notice WHERE publisher_id = $1 AND at < $2…",
        &[
            "SEARCH notice USING INDEX notice_newest (publisher_id=? AND at<?)",
            "SEARCH later EXISTS USING PRIMARY KEY (publisher_id=? AND destination_no=? AND number>?)",
        ],
    ),
];

/// Says something, mutes, gathers, tells and counts.
pub(crate) async fn notices(
    store: &Store,
    publisher: &PublisherId,
    number: DestinationNo,
) -> Result<(), StoreError> {
    let (now, lane) =
        (Timestamp::from_millis(9), LaneKey { publisher: publisher.clone(), destination: number });
    let (whose, whom) = (Whose::from(&lane), Some(publisher.clone()));
    let said = |kind| Said {
        kind,
        about: String::new(),
        cause: String::new(),
        message: String::new(),
        fix: String::new(),
    };
    for kind in [NoticeKind::Paused, NoticeKind::Resumed, NoticeKind::Failing, NoticeKind::Parked] {
        store.say(whose.clone(), said(kind), now).await?;
    }
    store.end_silently(whose.clone(), "x".to_owned(), NoticeKind::Failing, now).await?;
    store.note_job(said(NoticeKind::JobFailed), now).await?;
    store.notices(publisher.clone(), number, 9).await?;
    store.all_notices(whom.clone(), 9).await?;
    store.lasting_notices(whom.clone(), 9).await?;
    store.standing_notices(whose.clone(), NoticeKind::Failing).await?;
    let until = Timestamp::from_millis(i64::MAX / 2);
    store.due_notices(until).await?;
    let untold = store.untold_notices(whom.clone(), until, 9).await?;
    let keys: Vec<(Whose, u32)> = untold.iter().map(|it| (it.whose.clone(), it.number)).collect();
    store.mute_notices(keys.clone(), now).await?;
    let gathered = store.gather_notices((whom.clone(), String::new()), keys.clone(), now).await?;
    let Gathered::Into(message) = gathered else { panic!("nothing is on its way") };
    store.tell_nobody(keys).await?;
    store.due_messages(until, 9).await?;
    store.message_notices(whom.clone(), message).await?;
    let message = Message { publisher: whom.clone(), number: message, tell: String::new(), attempts: 0 };
    store.settle_message(message.clone(), Sent::Nobody, now).await?;
    store.settle_message(message, Sent::Told, now).await?;
    store.set_notice_receivers(whom.clone(), vec![lane.clone()], now).await?;
    store.notice_receivers(whom.clone()).await?;
    for until in [until, now] {
        store.mute(whom.clone(), Mute { destination: None, kind: None, until }, now).await?;
    }
    store.mutes(whom, now).await?;
    store.note_way(lane.clone(), Way::default()).await?;
    store.notice_way(lane.clone()).await?;
    let watched = store.watched().await?;
    store.note_watch(watched[0].clone(), Vec::new(), now).await?;
    store.note_parked(watched[0].clone(), None, now).await?;
    store.pulses(watched, Timestamp::from_millis(0)).await?;
    store.waiting(lane).await?;
    let stretch = (TouchpointId::new(0), TouchpointId::new(u128::MAX));
    if let Some(step) = store.arrivals_page(publisher.clone(), stretch).await? {
        store.note_arrivals(step).await?;
    }
    store.arrivals(publisher.clone(), OfferId::parse("crm").expect("a name")).await?;
    store.notice_owners().await?;
    store.forget_notices(Some(publisher.clone()), until, 9).await?;
    store.forget_arrivals(publisher.clone(), 0).await
}
