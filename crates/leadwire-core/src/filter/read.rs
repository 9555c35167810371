//! From text to tree: bounds first, then the `cel` crate's parser, then only what a filter may hold.

use super::BadFilter;
use super::node::{Comparison, Constant, Group, Node, TextTest};
use super::variables::{VARIABLES, near};
use crate::limits;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use regex::RegexBuilder;

/// Reads a filter. What its parts are to each other is checked elsewhere.
pub(super) fn read(text: &str) -> Result<Node, BadFilter> {
    if text.is_empty() {
        return Err(bad("filter_empty", None, "the filter is empty", "write a condition, or leave it out"));
    }
    if text.len() > limits::FILTER_BYTES_MAX {
        let message = format!("the filter has {} bytes", text.len());
        let fix = format!("keep it below {}, or make several routes", limits::FILTER_BYTES_MAX);
        return Err(bad("filter_too_long", None, message, fix));
    }
    if let Some(at) = too_deep(text) {
        return Err(deep(Some(at)));
    }
    let program = cel::Program::compile(text).map_err(|it| syntax(text, &it))?;
    let mut reader = Reader { text, parts: 0 };
    reader.node(program.expression(), 0)
}

fn bad(
    code: &'static str,
    at: Option<usize>,
    message: impl Into<String>,
    fix: impl Into<String>,
) -> BadFilter {
    BadFilter { code, at, message: message.into(), fix: fix.into() }
}

fn deep(at: Option<usize>) -> BadFilter {
    let fix = format!("nest at most {} levels", limits::FILTER_DEPTH_MAX);
    bad("filter_too_deep", at, "the filter is nested too deep", fix)
}

/// The first bracket, or sign before a value, that is nested too deep: the parser calls itself for each.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut signs, mut quote, mut escaped) = (0usize, 0usize, None, false);
    for (at, letter) in text.chars().enumerate() {
        if let Some(open) = quote {
            if escaped {
                escaped = false;
            } else if letter == '\\' {
                escaped = true;
            } else if letter == open {
                quote = None;
            }
            continue;
        }
        match letter {
            '\'' | '"' => quote = Some(letter),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '!' | '-' | '?' | '.' => signs += 1,
            _ => {}
        }
        if depth > limits::FILTER_DEPTH_MAX || signs > limits::FILTER_PARTS_MAX {
            return Some(at + 1);
        }
    }
    None
}

fn syntax(text: &str, errors: &cel::ParseErrors) -> BadFilter {
    let first = errors.errors.first();
    let at = first.and_then(|it| {
        let (line, column) = (usize::try_from(it.pos.0).ok()?, usize::try_from(it.pos.1).ok()?);
        let before: usize =
            text.split_inclusive('\n').take(line.checked_sub(1)?).map(|it| it.chars().count()).sum();
        (column > 0).then_some(before + column)
    });
    let what = first.map_or("", |it| it.msg.as_str());
    // The parser lists every token that could stand there; a person needs the first words.
    let what = what.split(" expecting").next().unwrap_or_default().trim();
    let fix = "compare with ==, !=, <, >, `in [..]`; join with && and ||; put texts in quotes";
    bad("filter_syntax", at, format!("this is not an expression: {}", capped(what)), fix)
}

/// A short piece of what the parser says, which may quote the filter.
fn capped(text: &str) -> String {
    text.chars().take(limits::POINTER_KEY_CHARS_MAX * 2).collect()
}

/// Where a word stands in a filter, in characters from 1, outside of quotes.
pub(super) fn place(text: &str, word: &str) -> Option<usize> {
    let at = text.find(word)?;
    Some(text[..at].chars().count() + 1)
}

struct Reader<'a> {
    text: &'a str,
    parts: usize,
}

impl Reader<'_> {
    fn node(&mut self, expression: &IdedExpr, depth: usize) -> Result<Node, BadFilter> {
        self.parts += 1;
        if self.parts > limits::FILTER_PARTS_MAX {
            let fix = format!("use at most {} values, names and operators", limits::FILTER_PARTS_MAX);
            return Err(bad("filter_too_large", None, "the filter has too many parts", fix));
        }
        if depth > limits::FILTER_DEPTH_MAX {
            return Err(deep(None));
        }
        let inner = depth + 1;
        match &expression.expr {
            Expr::Literal(literal) => constant(literal).map(Node::Constant),
            Expr::List(list) => {
                let mut items = Vec::with_capacity(list.elements.len());
                for element in &list.elements {
                    match self.node(element, inner)? {
                        Node::Constant(it) if !matches!(it, Constant::List(_)) => items.push(it),
                        other => {
                            let message = format!("`{other}` cannot stand in a list");
                            let at = place(self.text, &other.to_string());
                            return Err(bad(
                                "filter_list",
                                at,
                                message,
                                "list texts, numbers, true or false",
                            ));
                        }
                    }
                }
                Ok(Node::Constant(Constant::List(items)))
            }
            Expr::Select(select) if select.test => {
                let mut path = self.path(&select.operand)?;
                path.push(select.field.clone());
                Ok(Node::Has(Box::new(self.named(&path)?)))
            }
            Expr::Ident(_) | Expr::Select(_) => {
                let path = self.path(expression)?;
                self.named(&path)
            }
            Expr::Call(call) if call.func_name == "_[_]" => {
                let path = self.path(expression)?;
                self.named(&path)
            }
            Expr::Call(call) => self.call(call, inner),
            Expr::Comprehension(_) => Err(self.macros()),
            Expr::Map(_) | Expr::Struct(_) => {
                let fix = "compare fields one by one";
                Err(bad("filter_map", place(self.text, "{"), "a filter makes no maps and messages", fix))
            }
            Expr::Unspecified => Err(bad("filter_syntax", None, "this is not an expression", "check it")),
        }
    }

    fn macros(&self) -> BadFilter {
        let names = ["all", "exists_one", "exists", "map", "filter"];
        let at = names.iter().find_map(|it| place(self.text, &format!(".{it}(")).map(|at| at + 1));
        let message = "loops over lists (all, exists, exists_one, map, filter) are not part of a filter";
        bad("filter_loop", at, message, "use `in`, or compare fields one by one")
    }

    /// The names of `a.b['c']`.
    fn path(&self, expression: &IdedExpr) -> Result<Vec<String>, BadFilter> {
        let mut names = Vec::new();
        let mut at = expression;
        loop {
            match &at.expr {
                Expr::Ident(name) => {
                    names.push(name.clone());
                    names.reverse();
                    return Ok(names);
                }
                Expr::Select(select) if !select.test => {
                    names.push(select.field.clone());
                    at = &select.operand;
                }
                Expr::Call(CallExpr { func_name, args, .. }) if func_name == "_[_]" && args.len() == 2 => {
                    let Expr::Literal(LiteralValue::String(key)) = &args[1].expr else {
                        let fix = "write custom.name or custom['a name']";
                        return Err(bad(
                            "filter_index",
                            place(self.text, "["),
                            "only a text in quotes can stand here",
                            fix,
                        ));
                    };
                    names.push(key.inner().to_owned());
                    at = &args[0];
                }
                Expr::Comprehension(_) => return Err(self.macros()),
                Expr::Call(_)
                | Expr::List(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Select(_)
                | Expr::Struct(_)
                | Expr::Unspecified => {
                    let message = "only variables have fields";
                    return Err(bad(
                        "filter_field",
                        None,
                        message,
                        "write customer.email, custom.name and the like",
                    ));
                }
            }
        }
    }

    fn named(&self, path: &[String]) -> Result<Node, BadFilter> {
        let name = path.join(".");
        if let Some(place) = VARIABLES.iter().position(|it| it.name == name) {
            return Ok(Node::Named(place));
        }
        let group = match path.first().map(String::as_str) {
            Some("campaign") => Group::Campaign,
            Some("custom") => Group::Custom,
            _ => {
                let at = place(self.text, &name);
                let message = format!("there is no variable called `{}`", capped(&name));
                return Err(bad("filter_unknown_variable", at, message, near(&name)));
            }
        };
        Ok(Node::Entry(group, path[1..].to_vec()))
    }

    fn call(&mut self, call: &CallExpr, depth: usize) -> Result<Node, BadFilter> {
        let mut inner = |expression: &IdedExpr| self.node(expression, depth).map(Box::new);
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            ("_&&_", None, [left, right]) => Ok(Node::And(inner(left)?, inner(right)?)),
            ("_||_", None, [left, right]) => Ok(Node::Or(inner(left)?, inner(right)?)),
            ("!_", None, [one]) => Ok(match *inner(one)? {
                Node::Not(twice) => *twice,
                once => Node::Not(Box::new(once)),
            }),
            ("-_", None, [one]) => match *inner(one)? {
                Node::Constant(Constant::Whole(it)) => Ok(Node::Constant(Constant::Whole(it.wrapping_neg()))),
                Node::Constant(Constant::Real(it)) => Ok(Node::Constant(Constant::Real(-it))),
                _ => Err(self.arithmetic("-")),
            },
            ("_?_:_", None, [which, yes, no]) => {
                Ok(Node::If(Box::new([*inner(which)?, *inner(yes)?, *inner(no)?])))
            }
            ("@in", None, [one, many]) => Ok(Node::In(inner(one)?, inner(many)?)),
            ("size", None, [one]) | ("size", Some(one), []) => Ok(Node::Size(inner(one)?)),
            ("lowerAscii", Some(text), []) => Ok(Node::Lower(inner(text)?)),
            ("matches", Some(text), [pattern]) | ("matches", None, [text, pattern]) => {
                let text = inner(text)?;
                self.pattern(pattern).map(|it| Node::Matches(text, it))
            }
            (name, Some(text), [sought]) if text_test(name).is_some() => {
                let test = text_test(name).expect("just found");
                Ok(Node::Text(test, inner(text)?, inner(sought)?))
            }
            (name, None, [left, right]) if comparison(name).is_some() => {
                let how = comparison(name).expect("just found");
                Ok(Node::Compare(how, inner(left)?, inner(right)?))
            }
            ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", ..) => {
                Err(self.arithmetic(call.func_name.trim_matches('_')))
            }
            (
                "all" | "exists" | "exists_one" | "map" | "filter" | "existsOne" | "transformList",
                Some(_),
                _,
            ) => Err(self.macros()),
            (name, ..) => {
                let message =
                    format!("`{}` is no function of a filter, or not with these arguments", capped(name));
                let at = place(self.text, &format!("{name}("));
                Err(bad(
                    "filter_unknown_function",
                    at,
                    message,
                    format!("use {}", super::FUNCTIONS.join(", ")),
                ))
            }
        }
    }

    fn arithmetic(&self, sign: &str) -> BadFilter {
        let message = format!("a filter does not calculate (`{}`)", capped(sign));
        bad(
            "filter_arithmetic",
            place(self.text, sign),
            message,
            "compare fields with values as they are sent",
        )
    }

    fn pattern(&self, expression: &IdedExpr) -> Result<regex::Regex, BadFilter> {
        let Expr::Literal(LiteralValue::String(pattern)) = &expression.expr else {
            let at = place(self.text, "matches");
            return Err(bad(
                "filter_pattern",
                at,
                "a pattern must be a text in quotes",
                "write matches('^a.*z$')",
            ));
        };
        let built = RegexBuilder::new(pattern.inner()).size_limit(limits::FILTER_PATTERN_BYTES_MAX).build();
        built.map_err(|error| {
            let what = match error {
                regex::Error::CompiledTooBig(_) => "the pattern is too large",
                _ => "the pattern cannot be read",
            };
            let fix = "write a simpler pattern in the syntax of RE2, or use startsWith, endsWith or contains";
            bad("filter_pattern", place(self.text, "matches"), what, fix)
        })
    }
}

fn constant(literal: &LiteralValue) -> Result<Constant, BadFilter> {
    Ok(match literal {
        LiteralValue::Boolean(it) => Constant::Flag(*it.inner()),
        LiteralValue::Double(it) => Constant::Real(*it.inner()),
        LiteralValue::Int(it) => Constant::Whole(*it.inner()),
        LiteralValue::UInt(it) => {
            i64::try_from(*it.inner()).map_or(Constant::Real(*it.inner() as f64), Constant::Whole)
        }
        LiteralValue::Null => Constant::Null,
        LiteralValue::String(it) => Constant::Text(it.inner().to_owned()),
        LiteralValue::Bytes(_) => {
            return Err(bad(
                "filter_bytes",
                None,
                "bytes cannot be compared here",
                "write a text without the b",
            ));
        }
    })
}

fn text_test(name: &str) -> Option<TextTest> {
    [TextTest::Contains, TextTest::StartsWith, TextTest::EndsWith].into_iter().find(|it| it.as_str() == name)
}

fn comparison(name: &str) -> Option<Comparison> {
    let sign = name.strip_prefix('_')?.strip_suffix('_')?;
    [
        Comparison::Equal,
        Comparison::Unequal,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]
    .into_iter()
    .find(|it| it.as_str() == sign)
}
