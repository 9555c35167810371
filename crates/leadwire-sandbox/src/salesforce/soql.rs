//! A subset of SOQL: one object, conditions joined by AND, an order and a limit.

use super::Problem;
use serde_json::Value;

/// A query that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) fields: Vec<String>,
    pub(super) object: String,
    pub(super) conditions: Vec<Condition>,
    /// Field, and whether the largest comes first.
    pub(super) order: Option<(String, bool)>,
    pub(super) limit: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) field: String,
    pub(super) test: Test,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    Is(Value),
    IsNot(Value),
    In(Vec<Value>),
    AtLeast(Value),
    AtMost(Value),
}

impl Test {
    pub(super) fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Is(other) => is_same(value, other),
            Self::IsNot(other) => !is_same(value, other),
            Self::In(others) => others.iter().any(|it| is_same(value, it)),
            Self::AtLeast(other) => comparable(value) >= comparable(other) && !value.is_null(),
            Self::AtMost(other) => comparable(value) <= comparable(other) && !value.is_null(),
        }
    }
}

/// A moment of a query, in whole seconds, as moments are written in answers, so that texts compare as moments do.
fn comparable(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_whole = text.len() == 20 && text.ends_with('Z');
    Some(if is_whole { text.replace('Z', ".000+0000") } else { text.to_owned() })
}

/// Texts compare without regard to case.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, Problem> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let query = reader.query()?;
    if reader.at < tokens.len() { Err(reader.unexpected()) } else { Ok(query) }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

fn malformed(message: impl Into<String>) -> Problem {
    Problem::new("MALFORMED_QUERY", message.into())
}

fn tokens(text: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let signs = ["!=", ">=", "<=", "=", "(", ")", ","];
        if let Some(sign) = signs.iter().find(|it| rest.starts_with(**it)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '\'' {
            let mut value = String::new();
            let mut chars = rest.char_indices().skip(1);
            let end = loop {
                match chars.next() {
                    None => return Err(malformed("unterminated string literal")),
                    Some((_, '\\')) => value.extend(chars.next().map(|it| it.1)),
                    Some((at, '\'')) => break at + 1,
                    Some((_, it)) => value.push(it),
                }
            };
            tokens.push(Token::Text(value));
            rest = &rest[end..];
        } else {
            let is_word = |it: char| it.is_alphanumeric() || "_.:-+".contains(it);
            let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
            if end == 0 {
                return Err(malformed(format!("unexpected token: '{first}'")));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn query(&mut self) -> Result<Query, Problem> {
        self.keyword("SELECT")?;
        let mut fields = vec![self.word()?];
        while self.takes(",") {
            fields.push(self.word()?);
        }
        self.keyword("FROM")?;
        let object = self.word()?;
        let mut conditions = Vec::new();
        if self.takes_keyword("WHERE") {
            conditions.push(self.condition()?);
            while self.takes_keyword("AND") {
                conditions.push(self.condition()?);
            }
        }
        let mut order = None;
        if self.takes_keyword("ORDER") {
            self.keyword("BY")?;
            let field = self.word()?;
            let is_down = self.takes_keyword("DESC");
            if !is_down {
                self.takes_keyword("ASC");
            }
            order = Some((field, is_down));
        }
        let limit = if self.takes_keyword("LIMIT") {
            Some(self.word()?.parse().map_err(|_| malformed("LIMIT takes a number"))?)
        } else {
            None
        };
        Ok(Query { fields, object, conditions, order, limit })
    }

    fn condition(&mut self) -> Result<Condition, Problem> {
        let field = self.word()?;
        let test = if self.takes_keyword("IN") {
            if !self.takes("(") {
                return Err(self.unexpected());
            }
            let mut values = vec![self.value()?];
            while self.takes(",") {
                values.push(self.value()?);
            }
            if !self.takes(")") {
                return Err(self.unexpected());
            }
            Test::In(values)
        } else if self.takes("=") {
            Test::Is(self.value()?)
        } else if self.takes("!=") {
            Test::IsNot(self.value()?)
        } else if self.takes(">=") {
            Test::AtLeast(self.value()?)
        } else if self.takes("<=") {
            Test::AtMost(self.value()?)
        } else {
            return Err(self.unexpected());
        };
        Ok(Condition { field, test })
    }

    fn value(&mut self) -> Result<Value, Problem> {
        let value = match self.tokens.get(self.at) {
            Some(Token::Text(text)) => Value::from(text.clone()),
            Some(Token::Word(word)) => match word.to_lowercase().as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => word.parse::<i64>().map_or_else(|_| Value::from(word.clone()), Value::from),
            },
            Some(Token::Sign(_)) | None => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(value)
    }

    fn word(&mut self) -> Result<String, Problem> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            Some(Token::Text(_) | Token::Sign(_)) | None => Err(self.unexpected()),
        }
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_there = matches!(self.tokens.get(self.at), Some(Token::Sign(it)) if *it == sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn takes_keyword(&mut self, word: &str) -> bool {
        let is_there =
            matches!(self.tokens.get(self.at), Some(Token::Word(it)) if it.eq_ignore_ascii_case(word));
        self.at += usize::from(is_there);
        is_there
    }

    fn keyword(&mut self, word: &str) -> Result<(), Problem> {
        if self.takes_keyword(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Problem {
        let found = match self.tokens.get(self.at) {
            Some(Token::Word(it) | Token::Text(it)) => it.clone(),
            Some(Token::Sign(it)) => (*it).to_owned(),
            None => "<EOF>".to_owned(),
        };
        malformed(format!("unexpected token: '{found}'"))
    }
}
