//! `$filter` of a query, as far as the service takes it: comparisons joined by `and`, `or` and `not`.
//!
//! Source: learn.microsoft.com, "Querying tables and entities".

use super::wrong::{Wrong, invalid};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// Most comparisons in a filter.
const COMPARISONS_MAX: usize = 15;
/// Deepest nesting of parentheses.
const DEPTH_MAX: usize = 20;

/// A filter.
#[derive(Debug)]
pub(super) enum Filter {
    All,
    Compare(String, String, Literal),
    Both(Box<Filter>, Box<Filter>),
    Either(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
}

#[derive(Debug)]
pub(super) enum Literal {
    Text(String),
    Number(f64),
    Bool(bool),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let tokens = tokens(text).ok_or_else(bad)?;
        let mut reader = Reader { tokens: &tokens, comparisons: 0 };
        let filter = reader.either(0)?;
        if reader.tokens.is_empty() { Ok(filter) } else { Err(bad()) }
    }

    pub(super) fn fits(&self, row: &Map<String, Value>) -> bool {
        match self {
            Self::All => true,
            Self::Both(a, b) => a.fits(row) && b.fits(row),
            Self::Either(a, b) => a.fits(row) || b.fits(row),
            Self::Not(it) => !it.fits(row),
            Self::Compare(name, verb, literal) => {
                let Some(order) = row.get(name).and_then(|it| compare(it, literal)) else { return false };
                match verb.as_str() {
                    "eq" => order == Ordering::Equal,
                    "ne" => order != Ordering::Equal,
                    "gt" => order == Ordering::Greater,
                    "ge" => order != Ordering::Less,
                    "lt" => order == Ordering::Less,
                    _ => order != Ordering::Greater,
                }
            }
        }
    }
}

fn bad() -> Wrong {
    invalid("Bad Request - Error in query syntax.")
}

fn compare(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::String(a), Literal::Text(b)) => Some(a.as_str().cmp(b)),
        // A 64-bit number is a text in JSON.
        (Value::String(a), Literal::Number(b)) => a.parse::<f64>().ok()?.partial_cmp(b),
        (Value::Number(a), Literal::Number(b)) => a.as_f64()?.partial_cmp(b),
        (Value::Bool(a), Literal::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let first = rest.chars().next()?;
        if first == '(' || first == ')' {
            tokens.push(if first == '(' { Token::Open } else { Token::Close });
            rest = &rest[1..];
        } else if first == '\'' {
            let (read, after) = quoted(&rest[1..])?;
            tokens.push(Token::Text(read));
            rest = after;
        } else {
            let end = rest.find([' ', '(', ')', '\'']).unwrap_or(rest.len());
            let word = &rest[..end];
            rest = &rest[end..];
            // `datetime'…'` and `guid'…'` are compared as they are written.
            if ["datetime", "guid"].contains(&word) && rest.starts_with('\'') {
                let (read, after) = quoted(&rest[1..])?;
                tokens.push(Token::Text(read));
                rest = after;
            } else {
                tokens.push(Token::Word(word.to_owned()));
            }
        }
        rest = rest.trim_start();
    }
    Some(tokens)
}

/// Up to the closing quote; a quote within is written twice.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut read = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('\'')?;
        read.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                read.push('\'');
                rest = more;
            }
            None => return Some((read, after)),
        }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    comparisons: usize,
}

impl Reader<'_> {
    fn take_word(&mut self, word: &str) -> bool {
        let is_it = matches!(self.tokens.first(), Some(Token::Word(it)) if it == word);
        if is_it {
            self.tokens = &self.tokens[1..];
        }
        is_it
    }

    fn next(&mut self) -> Result<&Token, Wrong> {
        let (first, rest) = self.tokens.split_first().ok_or_else(bad)?;
        self.tokens = rest;
        Ok(first)
    }

    fn either(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let mut filter = self.both(depth)?;
        while self.take_word("or") {
            filter = Filter::Either(Box::new(filter), Box::new(self.both(depth)?));
        }
        Ok(filter)
    }

    fn both(&mut self, depth: usize) -> Result<Filter, Wrong> {
        let mut filter = self.one(depth)?;
        while self.take_word("and") {
            filter = Filter::Both(Box::new(filter), Box::new(self.one(depth)?));
        }
        Ok(filter)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, Wrong> {
        if depth > DEPTH_MAX {
            return Err(bad());
        }
        if self.take_word("not") {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.tokens.first() == Some(&Token::Open) {
            self.tokens = &self.tokens[1..];
            let filter = self.either(depth + 1)?;
            return if *self.next()? == Token::Close { Ok(filter) } else { Err(bad()) };
        }
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            return Err(invalid("The filter has more than 15 comparisons."));
        }
        let Token::Word(name) = self.next()? else { return Err(bad()) };
        let name = name.clone();
        let Token::Word(verb) = self.next()? else { return Err(bad()) };
        let verb = verb.clone();
        if !["eq", "ne", "gt", "ge", "lt", "le"].contains(&verb.as_str()) {
            return Err(bad());
        }
        let literal = match self.next()? {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Word(word) if word == "true" || word == "false" => Literal::Bool(word == "true"),
            Token::Word(word) => Literal::Number(word.trim_end_matches('L').parse().map_err(|_| bad())?),
            Token::Open | Token::Close => return Err(bad()),
        };
        Ok(Filter::Compare(name, verb, literal))
    }
}
