//! The server's own wall between publishers: a body sees the rows it said it is about, whatever its statements ask for.

use crate::desk::{Desk, NOON, at, of_customer};
use crate::engine;
use leadwire_core::id::PublisherId;
use leadwire_store::setup::Publisher;

/// A store with leads of contoso, and a publisher beside it.
async fn desk() -> Desk {
    let desk = Desk::new().await;
    desk.accept(of_customer(1, 1)).await;
    let added = Publisher {
        id: PublisherId::parse("fabrikam").unwrap(),
        title: "Fabrikam".to_owned(),
        created_at: at(NOON),
    };
    desk.store.add_publisher(added).await.unwrap();
    desk
}

/// What the server itself answers somebody who is connected as the service is, but says nothing or something else.
async fn asked(desk: &Desk, said: &str, sql: &str) -> Result<i64, String> {
    let (folder, text) = (desk.folder.path().to_owned(), format!("{said}; {sql}"));
    std::thread::spawn(move || engine::ask(&folder, &text)).join().unwrap()
}

#[tokio::test]
async fn a_transaction_sees_what_it_named_and_nothing_when_it_named_nothing() {
    let desk = desk().await;
    let count = "SELECT COUNT(*) FROM touchpoint";
    for (said, seen) in [
        ("SELECT 1", 0),
        ("SET leadwire.publishers = ''", 0),
        ("SET leadwire.publishers = ',,'", 0),
        ("SET leadwire.publishers = ',fabrikam,'", 0),
        ("SET leadwire.publishers = 'fabrikam'", 0),
        ("SET leadwire.publishers = 'contoso'", 1),
        ("SET leadwire.publishers = 'contos'", 0),
        ("SET leadwire.publishers = ',contoso,'", 1),
        ("SET leadwire.publishers = ',,contoso,fabrikam,'", 1),
        ("SET leadwire.publishers = '*'", 1),
    ] {
        assert_eq!(asked(&desk, said, count).await, Ok(seen), "{said}");
    }
    // What was said goes with the transaction, and an older word does not come back.
    let over = "BEGIN; SET LOCAL leadwire.publishers = '*'; COMMIT";
    assert_eq!(asked(&desk, over, count).await, Ok(0));
    // Nor do the operator's rows, whose publisher is the empty text, show to whoever says an empty text.
    let all =
        "SET leadwire.publishers = '*'; INSERT INTO counter (publisher_id, name, value) VALUES ('', 'x', 1)";
    let counters = "SELECT COUNT(*) FROM counter WHERE publisher_id = '' AND name = 'x'";
    assert_eq!(asked(&desk, all, counters).await, Ok(1));
    for (said, seen) in
        [(over, 0), ("SET leadwire.publishers = ''", 0), ("SET leadwire.publishers = ',,'", 1)]
    {
        assert_eq!(asked(&desk, said, counters).await, Ok(seen), "{said}");
    }
}

#[tokio::test]
async fn nobody_writes_into_another_publishers_rows() {
    let desk = desk().await;
    let set = "SET leadwire.publishers = 'fabrikam'";
    let insert =
        "INSERT INTO counter (publisher_id, name, value) VALUES ('contoso', 'x', 1); SELECT 1::bigint";
    let refused = asked(&desk, set, insert).await.unwrap_err();
    assert!(refused.contains("row-level security"), "{refused}");
    let steal = "UPDATE touchpoint SET publisher_id = 'fabrikam'; SELECT COUNT(*) FROM touchpoint";
    assert_eq!(asked(&desk, set, steal).await, Ok(0));
    let give =
        "UPDATE publisher SET publisher_id = 'contoso' WHERE publisher_id = 'fabrikam'; SELECT 1::bigint";
    assert!(asked(&desk, set, give).await.unwrap_err().contains("row-level security"));
    let wipe = "DELETE FROM touchpoint; SELECT 1::bigint";
    assert_eq!(asked(&desk, set, wipe).await, Ok(1));
    assert_eq!(asked(&desk, "SET leadwire.publishers = '*'", "SELECT COUNT(*) FROM touchpoint").await, Ok(1));
}

#[tokio::test]
async fn every_table_with_a_publisher_has_the_wall_and_its_owner_too_is_held() {
    let desk = desk().await;
    let bare = "SELECT COUNT(*) FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'publisher_id'
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'node' AND NOT (
            c.relrowsecurity AND c.relforcerowsecurity
            AND (SELECT COUNT(*) = 1 AND bool_and(polpermissive AND polcmd = '*' AND polroles = '{0}')
                 FROM pg_policy WHERE polrelid = c.oid))";
    assert_eq!(asked(&desk, "SELECT 1", bare).await, Ok(0));
    let walled = "SELECT COUNT(DISTINCT polrelid) FROM pg_policy WHERE polname = 'of_publishers'";
    let walls = asked(&desk, "SELECT 1", walled).await.unwrap();
    assert!(walls > 50, "{walls}");
    let without =
        "SELECT COUNT(*) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND NOT c.relrowsecurity AND c.relname NOT IN ('meta', 'node', 'schema_step')";
    assert_eq!(asked(&desk, "SELECT 1", without).await, Ok(0), "but what is everybody's");
    let user = "SELECT (rolsuper OR rolbypassrls)::int::bigint FROM pg_roles WHERE rolname = current_user";
    assert_eq!(
        asked(&desk, "SELECT 1", user).await,
        Ok(0),
        "the tests are run by a user that walls hold for"
    );
}

#[tokio::test]
async fn a_wall_that_was_taken_down_is_put_up_at_the_next_start() {
    let desk = desk().await;
    let down = "ALTER TABLE touchpoint NO FORCE ROW LEVEL SECURITY; DROP POLICY of_publishers ON lead";
    assert_eq!(asked(&desk, down, "SELECT COUNT(*) FROM touchpoint").await, Ok(1));
    let desk = desk.reopened();
    assert_eq!(asked(&desk, "SELECT 1", "SELECT COUNT(*) FROM touchpoint").await, Ok(0));
    assert_eq!(asked(&desk, "SET leadwire.publishers = '*'", "SELECT COUNT(*) FROM lead").await, Ok(1));
}

#[tokio::test]
async fn a_dump_by_the_owner_holds_every_row_or_is_refused() {
    let desk = desk().await;
    let dump = |said: &str, more: &[&str]| {
        let url = engine::url_of(desk.folder.path());
        let mut command = std::process::Command::new("pg_dump");
        command.env("PGOPTIONS", said).args(more).args(["--data-only", "--table=touchpoint", &url]);
        let output = command.output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    let (_, bare) = dump("", &[]);
    assert!(bare.contains("row-level security"), "it must not look like a backup: {bare}");
    // As docs/postgresql.md says it.
    let (is_good, whole) = dump("-c leadwire.publishers=*", &["--enable-row-security"]);
    let id = crate::desk::touchpoint(1).to_string();
    assert!(is_good && whole.contains(&id), "{whole}");
}
