//! That the tables can be spread over several servers by publisher, and that `deploy/citus.sql` does so with each of them.

const SCHEMA: &str = include_str!("../schema.sqlite.sql");
const CITUS: &str = include_str!("../../../../deploy/citus.sql");

/// Tables that are everybody's: the same on every server.
const SHARED: &[&str] = &["meta"];

fn statements(kind: &str) -> Vec<&'static str> {
    // Its first line says which it is.
    let (_, all) = SCHEMA.split_once("\n\n").unwrap();
    all.split(";\n").map(str::trim).filter(|it| it.starts_with(kind)).collect()
}

fn name_of(statement: &'static str, kind: &str) -> &'static str {
    statement.strip_prefix(kind).unwrap().split([' ', '(', '\n']).next().unwrap().trim_matches('"')
}

#[test]
fn every_key_begins_with_the_publisher_and_no_table_points_at_another() {
    let tables: Vec<_> = statements("CREATE TABLE ")
        .into_iter()
        .filter(|it| !SHARED.contains(&name_of(it, "CREATE TABLE ")))
        .collect();
    assert!(tables.len() > 50, "{}", tables.len());
    for table in tables {
        let name = name_of(table, "CREATE TABLE ");
        assert!(
            table.contains("(\n    publisher_id TEXT NOT NULL"),
            "{name} does not begin with its publisher"
        );
        let is_first = table.contains("PRIMARY KEY (publisher_id")
            || table.contains("publisher_id TEXT NOT NULL PRIMARY KEY");
        assert!(is_first, "the key of {name} does not begin with the publisher");
        assert!(
            !table.contains("REFERENCES") && !table.contains(" UNIQUE"),
            "{name} has a rule that crosses servers"
        );
    }
    for index in statements("CREATE UNIQUE INDEX ") {
        assert!(
            index.contains(" (publisher_id"),
            "a unique index does not begin with the publisher: {index}"
        );
    }
}

#[test]
fn the_script_for_citus_names_every_table_once() {
    for table in statements("CREATE TABLE ") {
        let name = name_of(table, "CREATE TABLE ");
        let spread = CITUS
            .matches(&format!("create_distributed_table('{name}', 'publisher_id', colocate_with"))
            .count();
        let shared = CITUS.matches(&format!("create_reference_table('{name}')")).count();
        let expected = if SHARED.contains(&name) { (0, 1) } else { (1, 0) };
        assert_eq!((spread, shared), expected, "{name}: deploy/citus.sql must spread it by its publisher");
    }
    let named =
        CITUS.matches("create_distributed_table(").count() + CITUS.matches("create_reference_table(").count();
    assert_eq!(named, statements("CREATE TABLE ").len(), "deploy/citus.sql names a table that is not there");
}
