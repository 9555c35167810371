//! The rules of one session with the mail server: a line in, a reply out.

use super::{Message, Options};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest line with its end, in bytes (RFC 5321, 4.5.3.1.6).
pub(super) const LINE_BYTES_MAX: usize = 1000;
/// Largest message, in bytes: a quarter of what the smallest of the usual services takes.
const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most recipients of a message (RFC 5321, 4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;
/// Headers every message has exactly one of (RFC 5322, 3.6; a submission server may ask for more: RFC 6409, 6).
const HEADERS: &[&str] = &["from", "date", "message-id", "subject", "to"];

/// What the server does with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing: more is to come.
    Wait,
    Say(String),
    Close(String),
    /// A whole message that may be kept.
    Take(Message),
}

/// One session.
pub(super) struct Dialogue<'a> {
    options: &'a Options,
    is_greeted: bool,
    is_signed_in: bool,
    from: Option<String>,
    to: Vec<String>,
    expects: Expects,
}

enum Expects {
    Command,
    Plain,
    User,
    Password { user: String },
    Content { bytes: Vec<u8>, is_bad: Option<&'static str> },
}

impl<'a> Dialogue<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            options,
            is_greeted: false,
            is_signed_in: false,
            from: None,
            to: Vec::new(),
            expects: Expects::Command,
        }
    }

    pub(super) fn hear(&mut self, line: &[u8]) -> Step {
        // A line that ends otherwise may be read in two ways, which smugglers of mail live on (CVE-2023-51764).
        let whole = line.strip_suffix(b"\r\n").filter(|it| !it.contains(&b'\r') && !it.contains(&b'\n'));
        let Some(text) = whole else {
            return Step::Close("500 5.5.2 A line ends in CR LF and has at most 1000 bytes".to_owned());
        };
        match std::mem::replace(&mut self.expects, Expects::Command) {
            Expects::Content { bytes, is_bad } => self.content(text, bytes, is_bad),
            Expects::Plain => self.plain(text),
            Expects::User => match decoded(text) {
                Some(user) => {
                    self.expects = Expects::Password { user };
                    Step::Say("334 UGFzc3dvcmQ6".to_owned())
                }
                None => said("501 5.5.2 Not base64"),
            },
            Expects::Password { user } => {
                let password = decoded(text).unwrap_or_default();
                self.sign_in(&user, &password)
            }
            Expects::Command => self.command(text),
        }
    }

    fn command(&mut self, text: &[u8]) -> Step {
        let Ok(text) = std::str::from_utf8(text) else { return said("500 5.5.2 Not a command") };
        if !text.is_ascii() {
            return said("500 5.6.7 A command is ASCII, for SMTPUTF8 is not offered");
        }
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" if rest.is_empty() => said("501 5.5.4 EHLO wants a name"),
            "EHLO" => {
                self.is_greeted = true;
                self.forget();
                Step::Say(format!(
                    "250-mail.contoso.example\r\n250-SIZE {MESSAGE_BYTES_MAX}\r\n250-AUTH PLAIN LOGIN\r\n\
                     250-ENHANCEDSTATUSCODES\r\n250 8BITMIME"
                ))
            }
            "NOOP" => said("250 2.0.0 Ok"),
            "RSET" => {
                self.forget();
                said("250 2.0.0 Ok")
            }
            "QUIT" => Step::Close("221 2.0.0 Bye".to_owned()),
            _ if !self.is_greeted => said("503 5.5.1 Say EHLO first"),
            "AUTH" => self.auth(rest),
            "MAIL" if !self.is_signed_in => said("530 5.7.0 Authentication required"),
            "MAIL" => self.mail(rest),
            "RCPT" => self.rcpt(rest),
            "DATA" if self.to.is_empty() => said("554 5.5.1 No valid recipients"),
            "DATA" => {
                self.expects = Expects::Content { bytes: Vec::new(), is_bad: None };
                said("354 End data with <CR><LF>.<CR><LF>")
            }
            _ => said("502 5.5.2 Not a command of this server"),
        }
    }

    fn auth(&mut self, rest: &str) -> Step {
        if self.is_signed_in {
            return said("503 5.5.1 Signed in already");
        }
        let (mechanism, first) = rest.split_once(' ').unwrap_or((rest, ""));
        match (mechanism.to_ascii_uppercase().as_str(), first) {
            ("PLAIN", "") => {
                self.expects = Expects::Plain;
                said("334 ")
            }
            ("PLAIN", first) => self.plain(first.as_bytes()),
            ("LOGIN", "") => {
                self.expects = Expects::User;
                said("334 VXNlcm5hbWU6")
            }
            _ => said("504 5.5.4 Unrecognized authentication type"),
        }
    }

    /// An identity to act as, user and password, each behind a zero byte (RFC 4616).
    fn plain(&mut self, text: &[u8]) -> Step {
        let Some(text) = decoded(text) else { return said("501 5.5.2 Not base64") };
        match text.split('\0').collect::<Vec<_>>()[..] {
            [_, user, password] => self.sign_in(user, password),
            _ => said("501 5.5.2 Not user and password"),
        }
    }

    fn sign_in(&mut self, user: &str, password: &str) -> Step {
        let (right_user, right_password) = &self.options.login;
        self.is_signed_in = user == right_user && password == right_password;
        said(if self.is_signed_in {
            "235 2.7.0 Authentication successful"
        } else {
            "535 5.7.8 Authentication credentials invalid"
        })
    }

    fn mail(&mut self, rest: &str) -> Step {
        if self.from.is_some() {
            return said("503 5.5.1 There is a sender already");
        }
        match path(rest, "FROM:") {
            Some((from, _)) if from.eq_ignore_ascii_case(&self.options.login.0) => {
                self.from = Some(from.to_owned());
                said("250 2.1.0 Ok")
            }
            Some(_) => said("550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
            None => said("501 5.1.7 Not a sender"),
        }
    }

    fn rcpt(&mut self, rest: &str) -> Step {
        if self.from.is_none() {
            return said("503 5.5.1 Name the sender first");
        }
        let Some((to, _)) = path(rest, "TO:").filter(|it| it.0.contains('@')) else {
            return said("501 5.1.3 Not a recipient");
        };
        if let Some(reply) = self.options.refused.get(to) {
            return Step::Say(reply.clone());
        }
        if self.to.len() == RECIPIENTS_MAX {
            return said("452 4.5.3 Too many recipients");
        }
        self.to.push(to.to_owned());
        said("250 2.1.5 Ok")
    }

    fn content(&mut self, text: &[u8], mut bytes: Vec<u8>, mut is_bad: Option<&'static str>) -> Step {
        if text == b"." {
            let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
            if let Some(reply) = is_bad {
                return said(reply);
            }
            return match checked(bytes) {
                Ok((id, content)) => Step::Take(Message { from, to, id, content, at: 0 }),
                Err(reply) => Step::Say(reply),
            };
        }
        let text = text.strip_prefix(b".").unwrap_or(text);
        if bytes.len() + text.len() > MESSAGE_BYTES_MAX {
            is_bad = Some("552 5.3.4 Message size exceeds fixed limit");
            bytes.clear();
        } else {
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(b"\r\n");
        }
        self.expects = Expects::Content { bytes, is_bad };
        Step::Wait
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

/// `Message-ID` and text of a message that is as it should be.
fn checked(bytes: Vec<u8>) -> Result<(String, String), String> {
    if !bytes.is_ascii() {
        return Err("554 5.6.7 A message is ASCII unless it says otherwise".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "554 5.6.0 Not ASCII".to_owned())?;
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let values = |name: &str| -> Vec<String> {
        let starts = |it: &&str| it.split_once(':').is_some_and(|it| it.0.eq_ignore_ascii_case(name));
        let found = head.split("\r\n").filter(starts);
        found.filter_map(|it| Some(it.split_once(':')?.1.trim().to_owned())).collect()
    };
    for name in HEADERS {
        if values(name).len() != 1 {
            return Err(format!("550 5.6.0 A message has one header `{name}`"));
        }
    }
    let id = values("message-id").remove(0);
    let is_id = id.starts_with('<') && id.ends_with('>') && id.contains('@') && !id.contains(' ');
    if is_id { Ok((id, text)) } else { Err("550 5.6.0 `Message-ID` is not one".to_owned()) }
}

/// Address and parameters of `FROM:<address> PARAMETERS`.
fn path<'a>(rest: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let (start, rest) = rest.split_at_checked(word.len())?;
    let inner = rest.strip_prefix('<').filter(|_| start.eq_ignore_ascii_case(word))?;
    inner.split_once('>')
}

fn decoded(text: &[u8]) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

fn said(reply: &str) -> Step {
    Step::Say(reply.to_owned())
}
