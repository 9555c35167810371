//! Runs every statement about users, sessions and second factors, for their plans to be looked at.

use crate::bonds::Bond;
use crate::errands::Errand;
use crate::factors::Factor;
use crate::halves::Proof;
use crate::letters::{LetterEnd, LetterWish};
use crate::portal_links::PortalLink;
use crate::reveals::Revealing;
use crate::users::{Chosen, Link, PortalUser};
use crate::views::SavedView;
use crate::{Store, StoreError};
use leadwire_core::id::{PortalLinkId, PublisherId, UserId};
use leadwire_core::time::Timestamp;

/// What is read whole on purpose: everybody, for an operator, within a bound, with the letters to them and the accounts that they sign in
/// by; and second factors, when keys are rotated.
pub(crate) const READ_WHOLE: &[&str] = &["portal_user", "portal_factor", "portal_bond", "user_letter"];
/// What every page and every sign-in looks at, and how.
pub(crate) const HOT: &[(&str, &[&str])] = &[
    (
        "…WHERE s.hash = $1",
        &[
            "SEARCH s USING INDEX portal_session_hash (hash=?)",
            "SEARCH u USING PRIMARY KEY (publisher_id=? AND user_id=?)",
            "SEARCH f USING PRIMARY KEY (publisher_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "…WHERE h.hash = $1",
        &[
            "SEARCH h USING INDEX portal_half_hash (hash=?)",
            "SEARCH u USING PRIMARY KEY (publisher_id=? AND user_id=?)",
        ],
    ),
    (
        "…WHERE b.subject = $1 AND b.issuer = $2",
        &[
            "SEARCH b USING COVERING INDEX portal_bond_subject (subject=? AND issuer=?)",
            "SEARCH u USING PRIMARY KEY (publisher_id=? AND user_id=?)",
        ],
    ),
    (
        "…FROM portal_errand WHERE publisher_id = $1 AND hash = $2",
        &["SEARCH portal_errand USING PRIMARY KEY (publisher_id=? AND hash=?)"],
    ),
    (
        "…FROM portal_link WHERE session = $1 AND used_at <> 0",
        &["SEARCH portal_link USING INDEX portal_link_session (session=?)"],
    ),
    ("UPDATE portal_link SET used_at…", &["SEARCH portal_link USING INDEX portal_link_hash (hash=?)"]),
    (
        "…FROM user_letter WHERE state = 'waiting' ORDER BY due_at LIMIT $1",
        &["SCAN user_letter USING INDEX user_letter_due"],
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
        language: String::new(),
    };
    store.add_user(user, link).await?;
    store.renew_link(whose.clone(), id, link).await?;
    store.user_by_link(link.hash, now).await?;
    let chosen =
        Chosen { password: "x".to_owned(), email: "ada@example.com".to_owned(), name: String::new() };
    assert!(store.use_link(link.hash, chosen, now).await?.is_some());
    store.user_by_email("ada@example.com".to_owned()).await?;
    for byte in 1..=2 {
        store.begin_session((whose.clone(), id), [byte; 32], now).await?;
    }
    factors(store, (whose.clone(), id), now).await?;
    store.session([1; 32]).await?;
    store.see_session([1; 32], now).await?;
    store.prove_session([1; 32], now).await?;
    bonds(store, (whose.clone(), id), now).await?;
    store.end_place((whose.clone(), id), [2; 32]).await?;
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
    store.set_readers_reveal(publisher.clone(), true).await?;
    let revealing = Revealing { publisher: publisher.clone(), who: "usr_1".to_owned(), now, most: 1 };
    assert!(store.note_reveal(revealing).await?);
    store.users(None, 9).await?;
    letters(store, (whose.clone(), id), now).await?;
    store.remove_user(whose, id).await?;
    links(store, publisher, now).await
}

/// Sends somebody to a provider and back, binds the account that they have there, and takes it off again.
async fn bonds(
    store: &Store,
    whose: (Option<PublisherId>, UserId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let errand = Errand {
        hash: [1; 32],
        provider: "idp".to_owned(),
        next: "/".to_owned(),
        session: None,
        begun_at: now,
    };
    store.begin_errand(errand).await?;
    store.end_errand([1; 32], now).await?;
    let bond = Bond { issuer: "https://idp".to_owned(), subject: "1".to_owned(), bound_at: now };
    assert!(store.bind(whose.clone(), "ada@example.com".to_owned(), bond.clone()).await?);
    store.user_of_account((bond.issuer, bond.subject)).await?;
    store.bond(whose.clone()).await?;
    store.bonds(whose.0.clone()).await?;
    store.bonds(None).await?;
    assert!(store.remove_bond(whose).await?);
    Ok(())
}

/// Writes to somebody.
async fn letters(
    store: &Store,
    (publisher, user): (Option<PublisherId>, UserId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let (kind, language) = ("invitation".to_owned(), "en".to_owned());
    let wish = LetterWish { publisher: publisher.clone(), user, kind, language, now };
    assert!(store.ask_letter(wish).await?);
    store.letters(publisher, 9).await?;
    store.letters(None, 9).await?;
    let letter = store.waiting_letters(9).await?.remove(0);
    let until = Timestamp::from_millis(99);
    assert!(store.take_letter(letter.clone(), until, ([3; 32], until)).await?.is_some());
    store.end_letter(letter, until, (LetterEnd::Sent, now)).await
}

/// Lets somebody in by a link, and out.
async fn links(store: &Store, publisher: &PublisherId, now: Timestamp) -> Result<(), StoreError> {
    let link = PortalLink {
        publisher: publisher.clone(),
        id: PortalLinkId::new(1),
        hash: [1; 32],
        role: "reader".to_owned(),
        accent: String::new(),
        language: String::new(),
        made_at: now,
        ends_at: Timestamp::from_millis(99),
    };
    assert!(store.add_portal_link(link, Timestamp::from_millis(0)).await?);
    assert!(store.use_portal_link([1; 32], [2; 32], now).await?);
    store.guest([2; 32]).await?;
    store.see_guest([2; 32], now).await?;
    store.end_guest([2; 32]).await?;
    store.end_portal_links(publisher.clone()).await?;
    Ok(())
}

/// Gives somebody a second factor, signs them in with it, and takes it away.
async fn factors(
    store: &Store,
    whose: (Option<PublisherId>, UserId),
    now: Timestamp,
) -> Result<(), StoreError> {
    let factor = Factor {
        publisher: whose.0.clone(),
        user: whose.1,
        master_key: "one".to_owned(),
        sealed: vec![1],
        is_confirmed: false,
    };
    let codes = vec![[7; 32]];
    store.propose_factor(factor.clone(), now).await?;
    store.confirm_factor(factor, 1, codes.clone(), ([1; 32], now)).await?;
    store.renew_recovery(whose.clone(), codes).await?;
    store.recovery_left(whose.clone()).await?;
    store.factor(whose.clone()).await?;
    store.factor_owners(whose.0.clone()).await?;
    store.factor_owners(None).await?;
    store.factor_keys().await?;
    store.reseal_factors(|it| Some(it.clone())).await?;
    for (byte, proof) in
        [(1, Proof::Steps(vec![2])), (2, Proof::Recovery([7; 32])), (3, Proof::Steps(vec![]))]
    {
        store.begin_half(whose.clone(), ([byte; 32], Timestamp::from_millis(99)), now).await?;
        store.half([byte; 32], now).await?;
        store.pass_half([byte; 32], proof, ([byte + 10; 32], now)).await?;
    }
    store.prove_by_code(whose.clone(), Proof::Steps(vec![9]), ([1; 32], now)).await?;
    store.places(whose.clone()).await?;
    store.end_other_sessions(whose.clone(), [1; 32]).await?;
    store.describe_user(whose.clone(), ("Ada".to_owned(), "en".to_owned())).await?;
    store.change_password(whose.clone(), ("x".to_owned(), "y".to_owned()), ([1; 32], now)).await?;
    store.remove_factor(whose).await?;
    Ok(())
}
