//! Faults a simulated service shows on demand: for the next calls, for all of them, or for a share of them.

use serde_json::Value;
use std::collections::VecDeque;
use std::time::Duration;

/// One way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers right, but so much later.
    Latency(Duration),
    /// Refuses for having had too much, in the service's own words.
    Busy,
    /// Fails inside, in the service's own words; nothing was applied.
    Failing,
    /// Closes the connection before anything was applied.
    CutBefore,
    /// Applies the call, then closes the connection without an answer.
    CutAfter,
    /// Applies the call, sends half of an answer, then closes the connection.
    CutMidAnswer,
    /// Applies the call, and never answers.
    Stall,
    /// Says success in the status and failure in the body, in the service's own words; nothing was applied.
    OkWithError,
    /// Refuses every second record of a batch, in the service's own words; the others are applied.
    Partial,
    /// Has forgotten every access token it gave.
    TokenExpired,
    /// A field of the record was removed there.
    FieldRemoved(String),
    /// A page for browsers with a success status, as from a proxy in between; nothing was applied.
    Html,
    /// A success status without a body; nothing was applied.
    EmptyAnswer,
    /// A success status with a body of megabytes; nothing was applied.
    HugeAnswer,
}

/// Names of the faults, as the control address and the command line take them.
const NAMES: &[(&str, Fault)] = &[
    ("latency", Fault::Latency(Duration::from_secs(1))),
    ("busy", Fault::Busy),
    ("failing", Fault::Failing),
    ("cut_before", Fault::CutBefore),
    ("cut_after", Fault::CutAfter),
    ("cut_mid_answer", Fault::CutMidAnswer),
    ("stall", Fault::Stall),
    ("ok_with_error", Fault::OkWithError),
    ("partial", Fault::Partial),
    ("token_expired", Fault::TokenExpired),
    ("field_removed", Fault::FieldRemoved(String::new())),
    ("html", Fault::Html),
    ("empty_answer", Fault::EmptyAnswer),
    ("huge_answer", Fault::HugeAnswer),
];

impl Fault {
    /// Reads a name; `latency:MILLISECONDS` and `field_removed:FIELD` say more behind a colon.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, more) = text.split_once(':').map_or((text, None), |it| (it.0, Some(it.1)));
        let (_, fault) = NAMES.iter().find(|it| it.0 == name)?;
        match (fault, more) {
            (Self::Latency(_), Some(more)) => more.parse().ok().map(Duration::from_millis).map(Self::Latency),
            (Self::FieldRemoved(_), Some(more)) if !more.is_empty() => {
                Some(Self::FieldRemoved(more.to_owned()))
            }
            (Self::FieldRemoved(_), _) | (_, Some(_)) => None,
            (fault, None) => Some(fault.clone()),
        }
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|it| it.0)
    }
}

/// Which calls a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scope {
    /// Those that write leads.
    #[default]
    Writes,
    /// All, those for tokens included.
    All,
}

/// What is switched on.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    next: VecDeque<(Fault, Scope)>,
    always: Option<(Fault, Scope)>,
    share: Option<(f64, Fault, Scope)>,
    dice: u64,
}

impl FaultPlan {
    /// No fault. The same seed gives the same throws.
    pub fn new(seed: u64) -> Self {
        Self { next: VecDeque::new(), always: None, share: None, dice: seed }
    }

    /// The next so many calls of this scope.
    pub fn next(&mut self, count: usize, fault: Fault, scope: Scope) {
        self.next.extend(std::iter::repeat_n((fault, scope), count));
    }

    /// Every call of this scope, until [`FaultPlan::clear`].
    pub fn always(&mut self, fault: Fault, scope: Scope) {
        self.always = Some((fault, scope));
    }

    /// About this share of the calls, from 0 to 1, until [`FaultPlan::clear`].
    pub fn share(&mut self, share: f64, fault: Fault, scope: Scope) {
        self.share = Some((share, fault, scope));
    }

    /// Behaves well again.
    pub fn clear(&mut self) {
        *self = Self::new(self.dice);
    }

    /// Reads an order such as `{"fault":"cut_after","share":0.3}`, `{"fault":"busy","count":2}`, or
    /// `{"fault":"failing","calls":"all"}`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn order(&mut self, order: &Value) -> Result<(), String> {
        let name = order.get("fault").and_then(Value::as_str).unwrap_or_default();
        let fault = Fault::parse(name).ok_or_else(|| {
            let names: Vec<&str> = Fault::names().collect();
            format!(
                "`fault` is none of {}; `latency` and `field_removed` take more behind a colon",
                names.join(", ")
            )
        })?;
        let scope = match order.get("calls").and_then(Value::as_str) {
            None | Some("writes") => Scope::Writes,
            Some("all") => Scope::All,
            Some(_) => return Err("`calls` is `writes` or `all`".to_owned()),
        };
        match (order.get("count"), order.get("share")) {
            (None, None) => self.always(fault, scope),
            (Some(count), None) => {
                let count =
                    count.as_u64().and_then(|it| usize::try_from(it).ok()).filter(|it| *it <= 100_000);
                self.next(count.ok_or("`count` is a number up to 100000")?, fault, scope);
            }
            (None, Some(share)) => {
                let share = share.as_f64().filter(|it| (0.0..=1.0).contains(it));
                self.share(share.ok_or("`share` is a number from 0 to 1")?, fault, scope);
            }
            (Some(_), Some(_)) => return Err("give `count` or `share`, not both".to_owned()),
        }
        Ok(())
    }

    /// The fault for a call, if any.
    pub(crate) fn throw(&mut self, is_write: bool) -> Option<Fault> {
        let strikes = |scope: &Scope| match scope {
            Scope::Writes => is_write,
            Scope::All => true,
        };
        if self.next.front().is_some_and(|it| strikes(&it.1)) {
            return self.next.pop_front().map(|it| it.0);
        }
        if let Some((share, fault, scope)) = self.share.clone()
            && strikes(&scope)
            && self.dice() < share
        {
            return Some(fault);
        }
        self.always.as_ref().filter(|it| strikes(&it.1)).map(|it| it.0.clone())
    }

    /// SplitMix64, which passes the usual tests and needs one number of state.
    fn dice(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.dice;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        // 53 bits are all that a double holds.
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}
