//! A simulated service whatever its kind: started, struck with faults, counted, and reached by a destination's settings.

use crate::https_endpoint::{self, Answer, HttpsEndpoint, Keep};
use crate::service::{self, Became, Fault, Sandbox, Scope, UnixMillis};
use crate::smtp::{self, MailSandbox};
use crate::webhook_signature::Verifier;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Names of the kinds of connectors that a stage can be the other side of, sorted.
pub fn kinds() -> Vec<&'static str> {
    let mut names: Vec<&str> = crate::KINDS.iter().map(|it| it.name).collect();
    names.extend(["email", "https"]);
    names.sort_unstable();
    names
}

/// How a stage runs.
#[derive(Clone)]
pub struct Options {
    /// Its clock.
    pub now: UnixMillis,
    /// What its credentials are made of.
    pub secret: [u8; 32],
    /// How much the plain receiver remembers; the others keep every record.
    pub keep: Keep,
}

/// A running simulated service.
pub struct Stage {
    /// The connector it is the other side of.
    pub kind: &'static str,
    /// Settings of a destination that reaches it.
    pub settings: Value,
    back: Back,
}

enum Back {
    Endpoint(HttpsEndpoint),
    Mail(MailSandbox),
    Service(Sandbox),
}

impl Stage {
    /// Starts one on a listener. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When there is no such kind, or the listener has no address.
    pub fn start(kind: &str, listener: TcpListener, options: Options) -> io::Result<Self> {
        let word: String = options.secret.iter().take(16).map(|it| format!("{it:02x}")).collect();
        match kind {
            "https" => Self::endpoint(listener, options),
            "email" => {
                let sandbox = smtp::start(listener, smtp::Options::new(&word), options.now)?;
                let settings = sandbox.destination_settings();
                Ok(Self { kind: "email", settings, back: Back::Mail(sandbox) })
            }
            name => {
                let kind = crate::KINDS.iter().find(|it| it.name == name);
                let kind =
                    kind.ok_or_else(|| io::Error::other(format!("use one of {}", kinds().join(", "))))?;
                let sandbox =
                    service::start(listener, (kind.make)(&word), service::Options::new(options.now))?;
                let settings = sandbox.destination_settings();
                Ok(Self { kind: kind.name, settings, back: Back::Service(sandbox) })
            }
        }
    }

    /// A receiver that checks every signature.
    fn endpoint(listener: TcpListener, options: Options) -> io::Result<Self> {
        let secret = format!("whsec_{}", STANDARD.encode(options.secret));
        let verifier = Verifier::new(&[&secret]).map_err(io::Error::other)?;
        let now = options.now;
        let seconds = move || u64::try_from(now() / 1000).unwrap_or(0);
        let options = https_endpoint::Options {
            verifier: Some(Arc::new(verifier)),
            keep: options.keep,
            ..https_endpoint::Options::new(Arc::new(seconds))
        };
        let endpoint = https_endpoint::start(listener, options)?;
        let settings = json!({ "url": endpoint.url(), "signing_secret": secret });
        Ok(Self { kind: "https", settings, back: Back::Endpoint(endpoint) })
    }

    /// Where it listens, as a URL without a path.
    pub fn url(&self) -> String {
        let scheme = if matches!(self.back, Back::Mail(_)) { "smtp" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    fn address(&self) -> SocketAddr {
        match &self.back {
            Back::Endpoint(it) => it.address(),
            Back::Mail(it) => it.address(),
            Back::Service(it) => it.address(),
        }
    }

    /// Calls it has had, those for tokens included; messages at the mail server.
    pub fn calls(&self) -> u64 {
        match &self.back {
            Back::Endpoint(it) => it.calls() + it.refused(),
            Back::Mail(it) => it.tried(),
            Back::Service(it) => it.calls(),
        }
    }

    /// Calls that a service answered 429, for having had too many; the receiver and the mail server count none.
    pub fn busy(&self) -> u64 {
        match &self.back {
            Back::Endpoint(_) | Back::Mail(_) => 0,
            Back::Service(it) => it.busy(),
        }
    }

    /// Leads it keeps. The receiver and the mail server count repetitions, which they can tell, once.
    pub fn kept(&self) -> u64 {
        let count = match &self.back {
            Back::Endpoint(it) => it.accepted_distinct(),
            Back::Mail(it) => it.distinct(),
            Back::Service(it) => it.records().len(),
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// What it keeps of every lead, as text to search in; repetitions stand for themselves. The receiver's are there as
    /// far as [`Options::keep`] goes.
    pub fn records(&self) -> Vec<String> {
        match &self.back {
            Back::Endpoint(it) => {
                let taken = it.received().into_iter().filter(|seen| it.has_accepted(&seen.webhook_id));
                taken.map(|it| String::from_utf8_lossy(&it.body).into_owned()).collect()
            }
            Back::Mail(it) => it.messages().into_iter().map(|it| it.content).collect(),
            Back::Service(it) => it.records().iter().map(Value::to_string).collect(),
        }
    }

    /// Does to a record what a salesperson does. False: there is no such record, or nobody can say so in this system.
    pub fn decide(&self, record: &str, became: Became) -> bool {
        match &self.back {
            Back::Endpoint(_) | Back::Mail(_) => false,
            Back::Service(it) => it.decide(record, became),
        }
    }

    /// Calls it refused for a bad signature; only the receiver counts those.
    pub fn signatures_refused(&self) -> u64 {
        match &self.back {
            Back::Endpoint(it) => it.refused(),
            Back::Mail(_) | Back::Service(_) => 0,
        }
    }

    /// The receiver, for a script of answers.
    pub fn as_endpoint(&self) -> Option<&HttpsEndpoint> {
        match &self.back {
            Back::Endpoint(it) => Some(it),
            Back::Mail(_) | Back::Service(_) => None,
        }
    }

    /// Lets the next calls that write leads go wrong. False: this kind has no such fault.
    pub fn strike(&self, count: usize, fault: &Fault) -> bool {
        match &self.back {
            Back::Endpoint(it) => {
                let Some(answer) = as_answer(fault) else { return false };
                it.script(vec![answer; count]);
            }
            Back::Mail(it) => it.faults(|plan| plan.next(count, fault.clone(), Scope::Writes)),
            Back::Service(it) => it.faults(|plan| plan.next(count, fault.clone(), Scope::Writes)),
        }
        true
    }

    /// Lets the next calls of any sort go wrong. False: this kind has no such fault.
    pub fn strike_any(&self, count: usize, fault: &Fault) -> bool {
        match &self.back {
            Back::Endpoint(_) | Back::Mail(_) => return false,
            Back::Service(it) => it.faults(|plan| plan.next(count, fault.clone(), Scope::All)),
        }
        true
    }

    /// Lets this share of the calls that write leads go wrong, until it is told a share of 0. False: this kind has no
    /// dice.
    pub fn strike_share(&self, share: f64, fault: &Fault) -> bool {
        match &self.back {
            Back::Endpoint(_) => return false,
            Back::Mail(it) => it.faults(|plan| plan.share(share, fault.clone(), Scope::Writes)),
            Back::Service(it) => it.faults(|plan| plan.share(share, fault.clone(), Scope::Writes)),
        }
        true
    }

    /// Closes it, and waits until that is done.
    pub async fn stop(self) {
        match self.back {
            Back::Endpoint(it) => it.stop().await,
            Back::Mail(it) => it.stop().await,
            Back::Service(it) => it.stop().await,
        }
    }
}

/// A fault in the words of a plain receiver.
fn as_answer(fault: &Fault) -> Option<Answer> {
    match fault {
        Fault::Busy => Some(Answer::retry_after(429, "7")),
        Fault::Failing => Some(Answer::status(503)),
        Fault::CutBefore | Fault::CutAfter => Some(Answer::CutBeforeAnswer),
        Fault::CutMidAnswer => Some(Answer::CutMidAnswer),
        Fault::Stall => Some(Answer::StallMidAnswer),
        Fault::Html => Some(Answer::html(200)),
        Fault::EmptyAnswer => Some(Answer::status(200)),
        Fault::HugeAnswer => Some(Answer::Endless),
        Fault::TokenExpired => Some(Answer::status(401)),
        Fault::Latency(_) | Fault::OkWithError | Fault::Partial | Fault::FieldRemoved(_) => None,
    }
}
