//! Runs every statement of the audit log, of statements and of the look at the store, for their plans to be looked at.

use crate::audit::{AuditWish, Deed, telling};
use crate::statements::{Came, Statement};
use crate::verify::{Bodies, Cursor, Findings, Scope};
use crate::{Store, StoreError};
use leadwire_core::audit::Entry;
use leadwire_core::id::{PublisherId, TouchpointId};
use leadwire_core::time::Timestamp;
use std::sync::Arc;

/// How entries are found: by whoever did something, by what was done, and by when.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    (
        "…WHERE publisher_id = $1 AND who = $2 AND ($3 = ''",
        &[
            "SEARCH audit USING PRIMARY KEY (publisher_id=? AND number=?)",
            "LIST SUBQUERY 1",
            "SEARCH audit USING COVERING INDEX audit_who (publisher_id=? AND who=? AND number>? AND number<?)",
        ],
    ),
    (
        "…WHERE publisher_id = $1 AND action = $2 AND number >= $3",
        &[
            "SEARCH audit USING PRIMARY KEY (publisher_id=? AND number=?)",
            "LIST SUBQUERY 1",
            "SEARCH audit USING COVERING INDEX audit_action (publisher_id=? AND action=? AND number>? AND number<?)",
        ],
    ),
    (
        "…AND at < $5 ORDER BY number DESC LIMIT $6",
        &["SEARCH audit USING PRIMARY KEY (publisher_id=? AND number>? AND number<?)"],
    ),
    (
        "SELECT number FROM audit WHERE publisher_id = $1 AND at >= $2…",
        &["SEARCH audit USING COVERING INDEX audit_at (publisher_id=? AND at>?)"],
    ),
    (
        "SELECT number FROM audit WHERE publisher_id = $1 AND at < $2…",
        &["SEARCH audit USING COVERING INDEX audit_at (publisher_id=? AND at<?)"],
    ),
];

/// Tells of a deed, signs it, makes a statement, and looks at all of it.
pub(crate) async fn audit(store: &Store, publisher: &PublisherId) -> Result<(), StoreError> {
    let at = Timestamp::from_millis(9);
    let entry = Entry {
        publisher: publisher.to_string(),
        number: 0,
        at,
        who: String::new(),
        role: String::new(),
        action: String::new(),
        subject: String::new(),
        detail: String::new(),
    };
    telling(Deed::new(entry), store.set_retention(publisher.clone(), 7)).await?;
    assert!(store.sign_audit(publisher.to_string(), at, |_| Vec::new()).await?.is_some());
    assert!(store.last_checkpoint(publisher.to_string()).await?.is_some());
    assert_eq!(store.audit(publisher.to_string(), None, 9).await?.len(), 1);
    let time = AuditWish {
        publisher: publisher.to_string(),
        from: Some(Timestamp::from_millis(0)),
        to: Some(Timestamp::from_millis(99)),
        ..AuditWish::default()
    };
    let by_action = AuditWish { action: Some("x".to_owned()), ..time.clone() };
    for wish in [AuditWish { who: Some("x".to_owned()), ..by_action.clone() }, by_action, time] {
        store.audit_found(wish, 9).await?;
    }
    let stretch = (TouchpointId::new(0), TouchpointId::new(u128::MAX));
    store.came(publisher.clone(), stretch, Came::default()).await?;
    store.kept_apart(publisher.clone(), (Timestamp::from_millis(0), at)).await?;
    let statement = Statement {
        publisher: publisher.to_string(),
        day: "1970-01-01".to_owned(),
        made_at: at,
        body: String::new(),
        mark: Vec::new(),
    };
    store.keep_statement(statement).await?;
    store.statements(publisher.clone(), None, 9).await?;
    let scope = Scope {
        now: at,
        bodies: Bodies::Hashed,
        holding: Arc::default(),
        known: Arc::default(),
        is_signed: None,
    };
    let (mut findings, mut cursor) = (Findings::default(), Some(Cursor::default()));
    while let Some(at) = cursor {
        (findings, cursor) = store.verify_page(scope.clone(), at, findings).await?;
    }
    Ok(())
}
