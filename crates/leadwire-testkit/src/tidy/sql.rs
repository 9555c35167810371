//! Rules for SQL: where it may stand, and what keeps one text meaning the same on every engine.

use super::rust_text::{literals, without_tests};

/// Words that behave differently on two engines, and what to do instead.
const DIALECT: &[(&str, &str)] = &[
    ("NOW(", "bind the caller's clock, in milliseconds"),
    ("CURRENT_TIMESTAMP", "bind the caller's clock, in milliseconds"),
    ("DATETIME(", "bind the caller's clock, in milliseconds"),
    ("STRFTIME(", "bind the caller's clock, in milliseconds"),
    ("INTERVAL", "compute the moment in Rust and bind it"),
    ("SERIAL", "make ids in Rust"),
    ("BIGSERIAL", "make ids in Rust"),
    ("AUTOINCREMENT", "make ids in Rust"),
    ("LIKE", "case rules differ: store a folded column and compare that"),
    ("ILIKE", "case rules differ: store a folded column and compare that"),
    ("GLOB", "only one engine has it"),
    ("LOWER(", "SQLite folds ASCII only: store a folded column and compare that"),
    ("UPPER(", "SQLite folds ASCII only: store a folded column and compare that"),
    ("ANY(", "only one engine has arrays"),
    ("JSON_EXTRACT(", "JSON is opaque text"),
    ("INSERT OR", "write ON CONFLICT, which both engines have"),
    ("IFNULL(", "write COALESCE, which both engines have"),
];
/// Operators on JSON; JSON is opaque text.
const JSON_OPERATORS: &[&str] = &["->", "#>", "@>", "?|"];

/// Whether a literal is a statement of SQL, going by how statements start; keywords are written in capitals.
pub fn is_statement(literal: &str) -> bool {
    let text = one_line(literal);
    let starts = |it: &str| text.starts_with(it);
    (starts("SELECT ") && (text.contains(" FROM ") || text.contains('(') || text.contains('$')))
        || (starts("UPDATE ") && text.contains(" SET "))
        || (starts("WITH ") && text.contains(" AS ("))
        || [
            "INSERT INTO ",
            "INSERT OR ",
            "DELETE FROM ",
            "REPLACE INTO ",
            "ALTER TABLE ",
            "PRAGMA ",
            "SAVEPOINT ",
        ]
        .iter()
        .any(|it| starts(it))
        || ["CREATE ", "DROP "].iter().any(|verb| {
            let object = text.strip_prefix(verb).unwrap_or_default();
            ["TABLE ", "INDEX ", "UNIQUE ", "VIEW ", "TRIGGER "].iter().any(|it| object.starts_with(it))
        })
        || ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "COMMIT", "ROLLBACK"]
            .contains(&text.trim_end_matches(';'))
}

/// SQL stands in one crate.
pub fn no_sql(path: &str, text: &str) -> Vec<String> {
    let statements = literals(text).into_iter().filter(|it| is_statement(it));
    statements
        .map(|it| {
            let start: String = one_line(it).chars().take(40).collect();
            format!("{path} holds SQL (`{start}`); only leadwire-store may")
        })
        .collect()
}

/// The SQL of a Rust file keeps to what every engine understands alike.
pub fn dialect(path: &str, text: &str) -> Vec<String> {
    literals(without_tests(text)).into_iter().flat_map(|it| dialect_of(path, it, is_statement(it))).collect()
}

/// The same for one text: a statement, or a `.sql` file without its comments.
pub fn dialect_of(path: &str, sql: &str, is_statement: bool) -> Vec<String> {
    // A part of a statement is looked at as written, since prose says `like` too, but never in capitals.
    let sql = if is_statement { one_line(sql).to_uppercase() } else { one_line(sql) };
    let mut complaints: Vec<String> = DIALECT
        .iter()
        .filter(|(word, _)| words_at(&sql, word).next().is_some())
        .map(|(word, instead)| format!("{path}: `{word}` in SQL; {instead}"))
        .collect();
    if words_at(&sql, "SUM(").any(|at| !sql[..at].ends_with("CAST(")) {
        complaints.push(format!(
            "{path}: a bare `SUM(` has another type on PostgreSQL; write CAST(SUM(x) AS BIGINT)"
        ));
    }
    if is_statement && let Some(operator) = JSON_OPERATORS.iter().find(|it| sql.contains(**it)) {
        complaints.push(format!("{path}: `{operator}` in SQL; JSON is opaque text"));
    }
    complaints
}

/// In each statement, `$1, $2 …` first appear in ascending order: SQLite numbers them by appearance.
pub fn placeholders(path: &str, text: &str) -> Vec<String> {
    let statements = literals(without_tests(text)).into_iter().filter(|it| is_statement(it));
    let mut complaints = Vec::new();
    for statement in statements {
        let mut highest = 0;
        for part in statement.split('$').skip(1) {
            let digits = part.find(|it: char| !it.is_ascii_digit()).unwrap_or(part.len());
            let Ok(number) = part[..digits].parse::<u32>() else { continue };
            if number > highest + 1 {
                complaints.push(format!(
                    "{path}: `${number}` appears before `${}`; SQLite would bind another value to it",
                    highest + 1
                ));
            }
            highest = highest.max(number);
        }
    }
    complaints
}

/// A `.sql` file without its `--` comments.
pub fn without_comments(sql: &str) -> String {
    sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// White space, and the escapes that stand for it in a literal, as single spaces.
fn one_line(text: &str) -> String {
    text.replace("\\n", " ").replace('\\', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words_at<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_name = |it: char| it.is_alphanumeric() || it == '_';
    let ends_open = word.ends_with('(');
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = text[..*at].chars().next_back().is_some_and(is_name);
        let after = text[at + word.len()..].chars().next().is_some_and(is_name);
        !before && (ends_open || !after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(sql: &str) -> String {
        format!("let a = \"{sql}\";")
    }

    #[test]
    fn statements_are_told_from_prose() {
        for sql in [
            "SELECT a FROM b",
            "SELECT $1",
            "UPDATE a\n SET b = 1",
            "INSERT INTO a",
            "PRAGMA x = 1",
            "BEGIN IMMEDIATE",
            "CREATE UNIQUE INDEX a",
            "WITH a AS (SELECT 1)",
            "DELETE FROM a",
        ] {
            assert!(is_statement(sql), "{sql}");
        }
        for prose in
            ["Select a file from the list", "UPDATE failed", "CREATE a destination", "BEGINNING", "WITH care"]
        {
            assert!(!is_statement(prose), "{prose}");
        }
    }

    #[test]
    fn sql_outside_the_store_is_refused() {
        assert_eq!(no_sql("a.rs", &literal("SELECT a FROM b")).len(), 1);
        assert!(no_sql("a.rs", "// SELECT a FROM b").is_empty());
    }

    #[test]
    fn what_only_one_engine_understands_is_refused() {
        for bad in [
            "SELECT now() FROM a",
            "CREATE TABLE a (b SERIAL)",
            "SELECT SUM(a) FROM b",
            "SELECT sum(a) FROM b",
            "SELECT a FROM b WHERE c LIKE $1",
            "SELECT a->>'b' FROM c",
            "SELECT lower(a) FROM b",
            "SELECT a FROM b WHERE c = ANY($1)",
            "INSERT OR IGNORE INTO a VALUES ($1)",
            " AND c LIKE $1",
        ] {
            assert_eq!(dialect("a.rs", &literal(bad)).len(), 1, "{bad}");
        }
        for good in [
            "SELECT CAST(SUM(a) AS BIGINT) FROM known(b)",
            "SELECT dislike, serial_no FROM a WHERE b > $1",
            "it looks like now() -> then",
        ] {
            assert!(dialect("a.rs", &literal(good)).is_empty(), "{good}");
        }
    }

    #[test]
    fn placeholders_out_of_order_are_refused() {
        let check = |sql: &str| placeholders("a.rs", &literal(sql)).len();
        assert_eq!(check("SELECT a FROM b WHERE c = $1 AND d = $2 AND e = $1"), 0);
        assert_eq!(check("SELECT a FROM b WHERE c = $2 AND d = $1"), 1);
        assert_eq!(check("UPDATE a SET b = $1 WHERE c = $3"), 1);
        assert_eq!(check("costs $5"), 0);
    }

    #[test]
    fn comments_of_a_migration_do_not_count() {
        assert_eq!(without_comments("-- like now()\nSELECT 1 -- SERIAL"), "\nSELECT 1 ");
    }
}
