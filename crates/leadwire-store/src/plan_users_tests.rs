//! Runs every statement about users and sessions, for their plans to be looked at.

use crate::users::{Chosen, Link, PortalUser};
use crate::views::SavedView;
use crate::{Store, StoreError};
use leadwire_core::id::{PublisherId, UserId};
use leadwire_core::time::Timestamp;

/// What is read whole on purpose: everybody, for an operator, within a bound.
pub(crate) const READ_WHOLE: &[&str] = &["portal_user"];
/// What every page and every sign-in looks at, and how.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    (
        "…WHERE s.hash = $1",
        &[
            "SEARCH s USING INDEX portal_session_hash (hash=?)",
            "SEARCH u USING PRIMARY KEY (publisher_id=? AND user_id=?)",
        ],
    ),
    ("…FROM portal_user WHERE email = $1", &["SEARCH portal_user USING INDEX portal_user_email (email=?)"]),
    (
        "…FROM portal_user WHERE link_hash = $1",
        &["SEARCH portal_user USING INDEX portal_user_link (link_hash=?)"],
    ),
];

/// Adds somebody, signs them in and out, and removes them.
pub(crate) async fn users(store: &Store, publisher: &PublisherId) -> Result<(), StoreError> {
    let (now, id, whose) = (Timestamp::from_millis(9), UserId::new(1), Some(publisher.clone()));
    let link = Link { hash: [1; 32], ends_at: Timestamp::from_millis(99) };
    let user = PortalUser {
        publisher: whose.clone(),
        id,
        email: "ada@example.com".to_owned(),
        name: String::new(),
        role: "reader".to_owned(),
        password: String::new(),
        link_ends_at: None,
        created_at: now,
        signed_in_at: None,
    };
    store.add_user(user, link).await?;
    store.renew_link(whose.clone(), id, link).await?;
    store.user_by_link(link.hash, now).await?;
    let chosen =
        Chosen { password: "x".to_owned(), email: "ada@example.com".to_owned(), name: String::new() };
    assert!(store.use_link(link.hash, chosen, now).await?.is_some());
    store.user_by_email("ada@example.com".to_owned()).await?;
    for byte in 1..=2 {
        store.begin_session((whose.clone(), id), [byte; 32], now, 1).await?;
    }
    store.session([1; 32]).await?;
    store.see_session([1; 32], now).await?;
    store.end_session([1; 32]).await?;
    store.users(whose.clone(), 9).await?;
    let view = SavedView {
        publisher: publisher.clone(),
        who: "usr_1".to_owned(),
        page: "deliveries".to_owned(),
        name: "x".to_owned(),
        query: "state=parked".to_owned(),
        created_at: now,
    };
    store.save_view(view.clone()).await?;
    store.views(publisher.clone(), view.who.clone()).await?;
    store.remove_view(publisher.clone(), [view.who, view.page, view.name]).await?;
    store.users(None, 9).await?;
    store.remove_user(whose, id).await?;
    Ok(())
}
