//! Words with places: `Dear {{customer.first_name | default('customer')}}`. A place holds a row of the mapping's bounded
//! pipeline, so there are no loops, no conditions and no code, and every text ends.

use super::Audience;
use crate::limits::{FOLLOW_UP_PLACES_MAX, FOLLOW_UP_VALUE_CHARS_MAX};
use crate::mapping::{BadExpression, Expression, Subject, Value};
use crate::text;

/// The place that becomes an address of ours, and no value of the lead.
const STOP_LINK: &str = "stop_link";

/// Words that were read once and then only written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Place(Expression),
    /// Where the customer says that they want no more.
    StopLink,
}

/// What a template is filled in for.
pub struct Filling<'a> {
    /// Who reads it.
    pub audience: Audience,
    /// Where the reader says that they want no more.
    pub stop_url: Option<&'a str>,
}

impl Template {
    /// Reads words of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// When they are empty or too long, a place is not closed, or what is in it cannot be read.
    pub fn parse(source: &str, bytes_max: usize) -> Result<Self, BadExpression> {
        let bad = |message: String, fix: &str| BadExpression { message, fix: fix.to_owned() };
        if source.trim().is_empty() {
            return Err(bad("there are no words".to_owned(), "write what is to be said"));
        }
        if source.len() > bytes_max {
            let message = format!("the words take {} bytes", source.len());
            return Err(bad(message, &format!("use at most {bytes_max}")));
        }
        let (mut pieces, mut rest, mut places) = (Vec::new(), source, 0);
        while let Some((words, after)) = rest.split_once("{{") {
            let Some((place, behind)) = split_place(after) else {
                let message = "a place is opened with `{{` and not closed".to_owned();
                return Err(bad(message, "close it with `}}`"));
            };
            places += 1;
            if places > FOLLOW_UP_PLACES_MAX {
                let message = format!("there are more than {FOLLOW_UP_PLACES_MAX} places");
                return Err(bad(message, "say more in plain words"));
            }
            if !words.is_empty() {
                pieces.push(Piece::Words(words.to_owned()));
            }
            pieces.push(match place.trim() {
                STOP_LINK => Piece::StopLink,
                place => Piece::Place(Expression::parse(place)?),
            });
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest.to_owned()));
        }
        Ok(Self { source: source.to_owned(), pieces })
    }

    /// The words as they were given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The words with every place filled; one without a value is left empty.
    pub fn write(&self, subject: &Subject<'_>, filling: &Filling<'_>) -> String {
        let mut out = String::with_capacity(self.source.len());
        for piece in &self.pieces {
            match piece {
                Piece::Words(words) => out.push_str(words),
                Piece::StopLink => out.push_str(filling.stop_url.unwrap_or_default()),
                Piece::Place(expression) => {
                    let value = expression.value(subject);
                    out.push_str(&match filling.audience {
                        Audience::Team => value.map_or_else(String::new, |it| it.as_text().to_owned()),
                        Audience::Customer => value.and_then(|it| tame(&it)).unwrap_or_default(),
                    });
                }
            }
        }
        out
    }
}

/// Splits at the `}}` that closes a place; one inside a text in quotes does not.
fn split_place(after: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, sign) in after.char_indices() {
        match quote {
            // A quote that is doubled closes and opens again.
            Some(open) if sign == open => quote = None,
            Some(_) => {}
            None if sign == '\'' || sign == '"' => quote = Some(sign),
            None if after[at..].starts_with("}}") => return Some((&after[..at], &after[at + 2..])),
            None => {}
        }
    }
    None
}

/// A value as it may stand in a message to a customer: one short line, and nothing that a mail program makes a link of.
/// Anybody can enter anybody's address into a form, and a message must not carry a stranger's words to them.
fn tame(value: &Value) -> Option<String> {
    let line = text::one_line(value.as_text());
    let lower = line.to_lowercase();
    if ["://", "www.", "mailto:", "@"].iter().any(|it| lower.contains(it)) {
        return None;
    }
    let is_path = lower.split_once('.').is_some_and(|it| it.1.contains('/'));
    (!is_path).then(|| line.chars().take(FOLLOW_UP_VALUE_CHARS_MAX).collect())
}
