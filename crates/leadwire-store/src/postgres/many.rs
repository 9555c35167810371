//! The same statement for many rows of parameters, in one round trip: a server does a thousand of them in the time of ten
//! that each wait for an answer.
//!
//! The text stays the one that both engines read. A file runs it once for each row; here the rows are bound as arrays,
//! and the text is made into one statement over them.

use super::dialect;
use crate::StoreError;
use crate::engine::Param;
use tokio_postgres::types::Type;

/// More rows than there ever are.
const MANY: &str = "9223372036854775807::bigint";

/// A statement that takes arrays where the given one takes values. A query and an update that returns something give
/// first which row of parameters it is of, counted from 1.
pub(super) fn statement(sql: &str, params: &[Param<'_>]) -> Result<String, StoreError> {
    let text = over_rows(&dialect::statement(sql));
    let source = source(params);
    let head = text.trim_start();
    let whole = if head.starts_with("INSERT") {
        insert(&text, &source)
    } else if head.starts_with("UPDATE") {
        update(&text, &source)
    } else {
        // `OFFSET 0` keeps the server from taking the question apart: of a table that it believes to be small it would go through
        // all rows, and look for each among the parameters.
        Some(format!(
            "SELECT each_row.each_place, found.* FROM {source} CROSS JOIN LATERAL ({text} OFFSET 0) AS found"
        ))
    };
    whole.ok_or_else(|| StoreError::Wrong(format!("a statement that cannot be run for many rows: {sql}")))
}

/// The types of the arrays.
pub(super) fn kinds(params: &[Param<'_>]) -> Vec<Type> {
    let kind = |it: &Param<'_>| match it {
        Param::Int(_) => Type::INT8_ARRAY,
        Param::Text(_) => Type::TEXT_ARRAY,
        Param::Bytes(_) => Type::BYTEA_ARRAY,
    };
    params.iter().map(kind).collect()
}

/// The arrays.
pub(super) fn columns<'a>(rows: &[Vec<Param<'a>>]) -> Vec<Vec<Param<'a>>> {
    let width = rows.first().map_or(0, Vec::len);
    (0..width).map(|at| rows.iter().map(|row| row[at]).collect()).collect()
}

/// The rows of parameters as a table. Texts are compared by their bytes, as columns are.
///
/// The limit limits nothing. It makes the server think of few rows, so that going through a table of more than that and looking
/// for each of its rows among the parameters seems dear to it, as it is.
fn source(params: &[Param<'_>]) -> String {
    if params.is_empty() {
        return "(SELECT 1::bigint AS each_place) AS each_row".to_owned();
    }
    let (mut shown, mut names, mut arrays) = (String::new(), String::new(), String::new());
    for (number, param) in (1..).zip(params) {
        let (collation, kind) = match param {
            Param::Int(_) => ("", "bigint"),
            Param::Text(_) => (" COLLATE \"C\"", "text"),
            Param::Bytes(_) => ("", "bytea"),
        };
        shown.push_str(&format!("p{number}{collation} AS p{number}, "));
        names.push_str(&format!("p{number}, "));
        arrays.push_str(&format!("{}${number}::{kind}[]", if number > 1 { ", " } else { "" }));
    }
    format!(
        "(SELECT {shown}each_place FROM unnest({arrays}) WITH ORDINALITY AS bound({names}each_place) LIMIT (SELECT {MANY})) AS each_row"
    )
}

/// `$3` becomes the third column of the rows.
fn over_rows(sql: &str) -> String {
    sql.replace('$', "each_row.p")
}

/// What is inserted is selected from the rows.
fn insert(text: &str, source: &str) -> Option<String> {
    let values = top_level(text, "VALUES")?;
    let open = values + text[values..].find('(')?;
    let close = closing(text, open)?;
    let (before, list, rest) = (&text[..values], &text[open + 1..close], &text[close + 1..]);
    // What follows cannot see the rows.
    (!rest.contains("each_row.")).then(|| format!("{before}SELECT {list} FROM {source}{rest}"))
}

/// The rows stand beside the table.
fn update(text: &str, source: &str) -> Option<String> {
    let at = top_level(text, "WHERE")?;
    let joined = format!("{} FROM {source} {}", &text[..at], &text[at..]);
    match top_level(&joined, "RETURNING") {
        Some(at) => {
            let rest = &joined[at + "RETURNING".len()..];
            Some(format!("{}RETURNING each_row.each_place,{rest}", &joined[..at]))
        }
        None => Some(joined),
    }
}

/// Where a word stands that is in no bracket and in no quotes.
fn top_level(text: &str, word: &str) -> Option<usize> {
    let (mut depth, mut is_quoted) = (0_usize, false);
    for (at, it) in text.char_indices() {
        match it {
            '\'' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth = depth.saturating_sub(1),
            _ if depth == 0 && !is_quoted && text[at..].starts_with(word) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Where the bracket ends that begins there.
pub(super) fn closing(text: &str, open: usize) -> Option<usize> {
    let (mut depth, mut is_quoted) = (0_usize, false);
    for (at, it) in text[open..].char_indices() {
        match it {
            '\'' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(open + at);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "(SELECT p1 COLLATE \"C\" AS p1, p2 AS p2, each_place FROM unnest($1::text[], $2::bigint[]) WITH \
                          ORDINALITY AS bound(p1, p2, each_place) LIMIT (SELECT 9223372036854775807::bigint)) AS each_row";

    fn made(sql: &str) -> String {
        statement(sql, &[Param::Text(""), Param::Int(0)]).unwrap().replace(SOURCE, "ROWS")
    }

    #[test]
    fn each_kind_of_statement_is_made_into_one_over_rows() {
        assert_eq!(
            made("INSERT INTO a (b, c) VALUES ($1, COALESCE($2, 0)) ON CONFLICT DO NOTHING"),
            "INSERT INTO a (b, c) SELECT each_row.p1, COALESCE(each_row.p2, 0) FROM ROWS ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            made("UPDATE a SET b = 'WHERE' WHERE c IN (SELECT c FROM d WHERE e = $1) AND f = $2 RETURNING c"),
            "UPDATE a SET b = 'WHERE'  FROM ROWS WHERE c = ANY (ARRAY(SELECT c FROM d WHERE e = \
             each_row.p1)) AND f = each_row.p2 RETURNING each_row.each_place, c"
        );
        assert_eq!(
            made("SELECT c FROM a WHERE b = $1 AND d = $2"),
            "SELECT each_row.each_place, found.* FROM ROWS CROSS JOIN LATERAL (SELECT c FROM a WHERE b = \
             each_row.p1 AND d = each_row.p2 OFFSET 0) AS found"
        );
    }

    #[test]
    fn what_cannot_be_said_over_rows_is_refused() {
        let sql = "INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = 1 WHERE a.d <= $2";
        assert!(statement(sql, &[Param::Text(""), Param::Int(0)]).is_err());
    }
}
