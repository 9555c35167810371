//! What is written where: results to standard output, everything said beside them to standard error.

use anyhow::Context;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::io::{self, IsTerminal, Write};

/// How a command speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// For programs: one JSON object, or a line of JSON for each row.
    pub(super) json: bool,
    /// Results and errors only.
    pub(super) quiet: bool,
}

/// The reader of standard output has seen enough, as `head` does. Not an error.
#[derive(Debug)]
pub(super) struct ReaderLeft;

impl fmt::Display for ReaderLeft {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("nobody reads the output any more")
    }
}

impl std::error::Error for ReaderLeft {}

impl Output {
    /// Writes to standard output.
    ///
    /// # Errors
    /// [`ReaderLeft`] when nobody reads; else why it cannot be written.
    pub(super) fn bytes(self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderLeft.into()),
            written => written.context("cannot write to standard output"),
        }
    }

    /// Writes a line of the result.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub(super) fn line(self, text: &str) -> anyhow::Result<()> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Says something beside the result to the person at the terminal.
    pub(super) fn note(self, text: &str) {
        if !self.quiet && !self.json {
            warn(text);
        }
    }

    /// Whether a moving progress bar would be seen and is wanted.
    pub(super) fn shows_progress(self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// Writes a JSON value on a line of its own.
    ///
    /// # Errors
    /// As [`Output::bytes`].
    pub(super) fn value(self, value: &Value) -> anyhow::Result<()> {
        self.line(&value.to_string())
    }

    /// Writes one thing: as the service sent it for programs, as text for people.
    ///
    /// # Errors
    /// As [`Output::bytes`], and when the service sent another shape.
    pub(super) fn one<T: DeserializeOwned>(
        self,
        value: Value,
        text: impl FnOnce(T) -> String,
    ) -> anyhow::Result<()> {
        if self.json { self.value(&value) } else { self.line(text(shaped(value)?).trim_end()) }
    }

    /// Writes rows: a line of JSON each for programs, a table for people. No `heads`: the table goes on.
    ///
    /// # Errors
    /// As [`Output::one`].
    pub(super) fn rows<T: DeserializeOwned>(
        self,
        rows: Vec<Value>,
        heads: &[&str],
        cells: impl Fn(T) -> Vec<String>,
    ) -> anyhow::Result<()> {
        if self.json {
            let lines: Vec<String> = rows.iter().map(|it| format!("{it}\n")).collect();
            return self.bytes(lines.concat().as_bytes());
        }
        if rows.is_empty() {
            self.note("There is none.");
            return Ok(());
        }
        let cells = rows.into_iter().map(|it| shaped(it).map(&cells)).collect::<anyhow::Result<Vec<_>>>()?;
        self.line(&table(heads, cells))
    }
}

/// Says something to standard error, always. That nobody reads it there is no reason to fail.
pub(super) fn warn(text: &str) {
    writeln!(io::stderr().lock(), "{}", text.trim_end()).ok();
}

fn shaped<T: DeserializeOwned>(value: Value) -> anyhow::Result<T> {
    serde_json::from_value(value)
        .context("the service answered in a shape this version does not know; use the same version of both")
}

/// Lays rows out in columns. Cells are made harmless for a terminal.
pub(super) fn table(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some((_, columns)) = console::Term::stdout().size_checked().filter(|_| io::stdout().is_terminal())
    {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    if !heads.is_empty() {
        table.set_header(heads.to_vec());
    }
    for row in rows {
        table.add_row(row.iter().map(|it| harmless(it)).collect::<Vec<_>>());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if let Some(first) = table.column_mut(0) {
        // Ids and names stand there: one that is broken over lines cannot be copied.
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.trim_fmt()
}

/// Names and values below each other; those without a value are left out.
pub(super) fn fields(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = pairs.iter().map(|(name, value)| {
        let value = value.lines().map(harmless).collect::<Vec<_>>().join(&format!("\n{:width$}  ", ""));
        format!("{name:width$}  {value}\n")
    });
    lines.collect()
}

/// Takes out of a text what would steer a terminal: a customer may type anything into a form.
pub(super) fn harmless(text: &str) -> String {
    let steers = |it: char| {
        it.is_control()
            || matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|it| if steers(it) { '\u{fffd}' } else { it }).collect()
}

/// A word, or a dash where there is none.
pub(super) fn or_dash(text: Option<String>) -> String {
    text.filter(|it| !it.is_empty()).unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_customer_typed_cannot_steer_the_terminal() {
        assert_eq!(harmless("Ada\u{1b}[2J\r\u{202e}x"), "Ada\u{fffd}[2J\u{fffd}\u{fffd}x");
        let shown = table(&["NAME"], vec![vec!["a\u{1b}]0;x\u{7}".to_owned()]]);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn a_table_has_aligned_columns_and_no_lines() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        assert_eq!(table(&["ID", "NAME"], vec![row("1", "x"), row("22", "y")]), "ID  NAME\n1   x\n22  y");
    }

    #[test]
    fn fields_without_a_value_are_left_out() {
        assert_eq!(fields(&[("id", "x"), ("gone", ""), ("notes", "a\nb")]), "id     x\nnotes  a\n       b\n");
    }
}
