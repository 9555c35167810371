//! The few words in which the engines differ, put into PostgreSQL's.

use super::many;
use std::borrow::Cow;

/// A statement as PostgreSQL reads it.
pub(super) fn statement(sql: &str) -> Cow<'_, str> {
    match bytes(sql) {
        Cow::Borrowed(sql) => chosen_first(sql),
        Cow::Owned(sql) => Cow::Owned(chosen_first(&sql).into_owned()),
    }
}

/// The rows to change, which are named by a query within, are looked up first and once, as SQLite does. A server takes that for
/// a join, and as long as it does not know how large tables are it may choose one that looks at all rows for each row.
fn chosen_first(sql: &str) -> Cow<'_, str> {
    let is_change = ["UPDATE", "DELETE"].iter().any(|it| sql.trim_start().starts_with(it));
    let mut out = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find(CHOICE).filter(|_| is_change) {
        let open = at + CHOICE.len() - 1;
        let end = many::closing(rest, open).unwrap_or(open);
        let is_query = rest[open + 1..].trim_start().starts_with("SELECT") && !rest[..at].ends_with("NOT");
        if is_query && end > open {
            out.push_str(&format!("{} = ANY (ARRAY({}))", &rest[..at], chosen_first(&rest[open + 1..end])));
            rest = &rest[end + 1..];
        } else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
        }
    }
    if out.is_empty() { Cow::Borrowed(sql) } else { Cow::Owned(out + rest) }
}

/// Behind it stands what something is one of.
const CHOICE: &str = " IN (";

/// Bytes, `x'00'`, are written in another way.
fn bytes(sql: &str) -> Cow<'_, str> {
    let mut pieces = sql.split(" x'");
    let (Some(first), true) = (pieces.next(), sql.contains(" x'")) else { return Cow::Borrowed(sql) };
    let mut out = first.to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_once('\'').unwrap_or((piece, ""));
        out.push_str(&format!(" '\\x{digits}'::bytea{rest}"));
    }
    Cow::Owned(out)
}

/// A step of the schema as PostgreSQL reads it: its numbers are wide, its texts are ordered by their bytes as SQLite's
/// are and as ids must be, and what is said of SQLite's storage is left out.
pub(super) fn schema(step: &str) -> String {
    step.lines()
        // A comment may use any word.
        .map(|line| if line.trim_start().starts_with("--") { line.to_owned() } else { definition(line) })
        .collect::<Vec<_>>()
        .join("\n")
}

fn definition(line: &str) -> String {
    let line = line.replace(") STRICT, WITHOUT ROWID;", ");").replace(") STRICT;", ");");
    statement(&line)
        // Step 15 reads a setting that was kept before.
        .replace("json_extract(settings, '$.mapping')", "settings::json ->> 'mapping'")
        .replace(" INTEGER", " BIGINT")
        .replace(" BLOB", " BYTEA")
        .replace(" TEXT", " TEXT COLLATE \"C\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_its_way() {
        assert_eq!(
            statement("SELECT x'', 1 WHERE a = x'0a' AND b = 'x'"),
            r"SELECT '\x'::bytea, 1 WHERE a = '\x0a'::bytea AND b = 'x'"
        );
        assert_eq!(statement("SELECT 'x'"), "SELECT 'x'");
    }

    #[test]
    fn the_rows_of_a_change_are_chosen_once() {
        assert_eq!(
            statement(
                "UPDATE a SET b = x'' WHERE c IN (1, 2) AND d IN (\n  SELECT d FROM e WHERE f IN (3)) AND g = 4"
            ),
            "UPDATE a SET b = '\\x'::bytea WHERE c IN (1, 2) AND d = ANY (ARRAY(\n  SELECT d FROM e WHERE f IN (3))) AND g = 4"
        );
        for kept in
            ["SELECT a FROM b WHERE c IN (SELECT c FROM d)", "DELETE FROM a WHERE b NOT IN (SELECT b FROM c)"]
        {
            assert_eq!(statement(kept), kept);
        }
    }

    #[test]
    fn a_table_keeps_its_meaning() {
        let step = "-- A TEXT, an INTEGER.\nCREATE TABLE a (\n    b TEXT NOT NULL,\n    c INTEGER NOT NULL,\n    d BLOB NOT NULL \
                    DEFAULT x''\n) STRICT, WITHOUT ROWID;";
        let expected = "-- A TEXT, an INTEGER.\nCREATE TABLE a (\n    b TEXT COLLATE \"C\" NOT NULL,\n    c BIGINT NOT NULL,\n    \
                        d BYTEA NOT NULL DEFAULT '\\x'::bytea\n);";
        assert_eq!(schema(step), expected);
    }
}
