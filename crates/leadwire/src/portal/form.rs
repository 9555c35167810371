//! Forms of settings: what each asks for, filled with what is there or with what was typed, and what is wrong beside its place.

use super::shell::Shell;
use super::visit::Visit;
use crate::api::{Problem, Wish};
use axum::http::{Method, StatusCode};
use leadwire_core::refusal::Refusal;

/// One thing that a form asks for.
pub(super) struct Ask {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) shape: Shape,
    pub(super) value: String,
    pub(super) must: bool,
    pub(super) mistake: Option<(String, String)>,
}

/// How it is asked for.
pub(super) enum Shape {
    /// A line, of this type of input.
    Line(&'static str),
    /// A whole number between two.
    Number(u64, u64),
    /// As many lines, as code or as prose.
    Lines(u8, &'static str),
    /// One of these values, with their words.
    Choice(Vec<(String, String)>),
    /// Yes, or nothing.
    Check,
}

impl Ask {
    pub(super) fn shape(&mut self, shape: Shape) -> &mut Self {
        self.shape = shape;
        self
    }

    pub(super) fn hint(&mut self, text: String) -> &mut Self {
        self.hint = text;
        self
    }

    /// Without this the form is not sent.
    pub(super) fn must(&mut self) -> &mut Self {
        self.must = true;
        self
    }

    pub(super) fn is_check(&self) -> bool {
        matches!(self.shape, Shape::Check)
    }

    /// What describes the input to whoever cannot see what stands around it.
    pub(super) fn described_by(&self) -> String {
        let hint = Some(format!("{}-hint", self.id)).filter(|_| !self.hint.is_empty());
        let wrong = Some(format!("{}-wrong", self.id)).filter(|_| self.mistake.is_some());
        [hint, wrong].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A form that was not taken.
pub(super) struct Refused {
    /// Which form of its page.
    pub(super) form: &'static str,
    pub(super) status: StatusCode,
    mistakes: Vec<Refusal>,
}

impl Refused {
    /// The form again, when it can be put right there.
    ///
    /// # Errors
    /// What is no mistake of the form.
    pub(super) fn of(form: &'static str, problem: Problem) -> Result<Self, Problem> {
        let status = problem.status();
        let (what, fix) = problem.words();
        match problem.errors() {
            [] if matches!(status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY) => {
                let mistakes = vec![Refusal::new("", "refused", what, fix)];
                Ok(Self { form, status, mistakes })
            }
            [] => Err(problem),
            errors => Ok(Self { form, status, mistakes: errors.to_vec() }),
        }
    }

    /// What is wrong with it.
    pub(super) fn mistakes(&self) -> &[Refusal] {
        &self.mistakes
    }

    /// The form as it was typed, without any mistake.
    pub(super) fn nothing(form: &'static str) -> Self {
        Self { form, status: StatusCode::OK, mistakes: Vec::new() }
    }

    /// The form again, with a mistake that is seen before anybody is asked.
    pub(super) fn by(form: &'static str, pointer: &str, (what, fix): (&str, &str)) -> Self {
        let mistakes = vec![Refusal::new(pointer, "bad_form", what, fix)];
        Self { form, status: StatusCode::UNPROCESSABLE_ENTITY, mistakes }
    }
}

/// A form that is shown.
pub(super) struct Form {
    pub(super) asks: Vec<Ask>,
    /// Mistakes that belong to nothing that is asked for.
    pub(super) others: Vec<(String, String)>,
    pub(super) mistakes: u64,
}

/// Puts a form together.
pub(super) struct Maker<'a> {
    prefix: &'static str,
    typed: Option<&'a Visit>,
    mistakes: &'a [Refusal],
    asks: Vec<Ask>,
}

impl<'a> Maker<'a> {
    /// A form of this page; when it is the one that was refused, with what was typed and what was wrong.
    pub(super) fn new(prefix: &'static str, visit: &'a Visit, refused: Option<&'a Refused>) -> Self {
        let refused = refused.filter(|it| it.form == prefix);
        let mistakes = refused.map_or(&[][..], |it| &it.mistakes);
        Self { prefix, typed: refused.map(|_| visit), mistakes, asks: Vec::new() }
    }

    /// Asks for something; a dot in the name stands for a step into the body. At first it shows what is there.
    pub(super) fn ask(&mut self, name: &str, label: String, present: &str) -> &mut Ask {
        let pointer = name.replace('.', "/");
        let value = self.typed.map_or(present, |it| it.field(name)).to_owned();
        self.asks.push(Ask {
            id: format!("{}-{}", self.prefix, name.replace(['.', '_'], "-")),
            name: name.to_owned(),
            label,
            hint: String::new(),
            shape: Shape::Line("text"),
            value,
            must: false,
            mistake: self.mistakes.iter().find(|it| is_at(&it.pointer, &pointer)).map(words),
        });
        self.asks.last_mut().expect("one was just added")
    }

    pub(super) fn done(self) -> Form {
        let is_shown = |it: &&Refusal| self.asks.iter().any(|ask| ask.mistake == Some(words(it)));
        Form {
            others: self.mistakes.iter().filter(|it| !is_shown(it)).map(words).collect(),
            mistakes: self.mistakes.len() as u64,
            asks: self.asks,
        }
    }
}

fn words(it: &Refusal) -> (String, String) {
    (it.message.clone(), it.fix.clone())
}

/// Whether a mistake is in what is asked for at a place: of a body, or of an address.
fn is_at(pointer: &str, place: &str) -> bool {
    let own = pointer.strip_prefix(['/', '?']).unwrap_or(pointer);
    own == place || own.strip_prefix(place).is_some_and(|it| it.starts_with('/'))
}

/// Choices of which each value is its own name under a prefix of the portal's words.
pub(super) fn choices(shell: &Shell, of: &str, values: &[&str]) -> Vec<(String, String)> {
    values.iter().map(|it| ((*it).to_owned(), shell.name_of(of, it))).collect()
}

/// Lines that were typed, without empty ones.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|it| !it.is_empty()).collect()
}

/// To have something put in its place.
pub(super) fn put(pattern: &'static str) -> Wish<'static> {
    Wish { method: Method::PUT, ..Wish::get(pattern) }
}

/// To have something changed.
pub(super) fn patch(pattern: &'static str) -> Wish<'static> {
    Wish { method: Method::PATCH, ..Wish::get(pattern) }
}

/// To have something taken away.
pub(super) fn delete(pattern: &'static str) -> Wish<'static> {
    Wish { method: Method::DELETE, ..Wish::get(pattern) }
}

#[cfg(test)]
mod tests {
    use super::is_at;

    #[test]
    fn a_mistake_stands_beside_what_it_is_in() {
        for (pointer, place) in [("/days", "days"), ("?from", "from"), ("/words/en/text", "words/en/text")] {
            assert!(is_at(pointer, place), "{pointer} {place}");
        }
        assert!(is_at("/shared_mailboxes/3", "shared_mailboxes"), "a mistake in one of several lines");
        for (pointer, place) in [("/days_more", "days"), ("", "days"), ("/words", "words/en/text")] {
            assert!(!is_at(pointer, place), "{pointer} {place}");
        }
    }
}
