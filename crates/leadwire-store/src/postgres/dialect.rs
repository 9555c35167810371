//! The few words in which the engines differ, put into PostgreSQL's.

use std::borrow::Cow;

/// A statement as PostgreSQL reads it: bytes, `x'00'`, are written in another way.
pub(super) fn statement(sql: &str) -> Cow<'_, str> {
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
    fn a_table_keeps_its_meaning() {
        let step = "-- A TEXT, an INTEGER.\nCREATE TABLE a (\n    b TEXT NOT NULL,\n    c INTEGER NOT NULL,\n    d BLOB NOT NULL \
                    DEFAULT x''\n) STRICT, WITHOUT ROWID;";
        let expected = "-- A TEXT, an INTEGER.\nCREATE TABLE a (\n    b TEXT COLLATE \"C\" NOT NULL,\n    c BIGINT NOT NULL,\n    \
                        d BYTEA NOT NULL DEFAULT '\\x'::bytea\n);";
        assert_eq!(schema(step), expected);
    }
}
