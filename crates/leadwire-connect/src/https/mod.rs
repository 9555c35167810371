//! Posts each lead as JSON to a URL of the publisher's choice, signed if wished.

mod auth;
mod fields;
mod message_signature;
mod oauth2;
mod reply;
mod request;

#[cfg(test)]
mod receivers_tests;
#[cfg(test)]
mod tests;

use crate::descriptor::{Settings, Values, refusal};
use crate::destination_settings::DestinationSettings;
use crate::egress::tls::{BadTls, TlsWishes};
use crate::egress::{Egress, Request};
use crate::erase::{self, Erasure};
use crate::notice::Notice;
use crate::preview::{Preview, PreviewedRequest};
use crate::redact;
use crate::signing::{self, SigningSecret};
use crate::validation::{Checked, Step};
use crate::{Connector, ConnectorKind, Delivered, Moment, Payload};
use auth::{Auth, Ready};
use bytes::Bytes;
use fields::{FIELDS, field};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use leadwire_core::outcome::Tried;
use leadwire_core::refusal::Refusal;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use message_signature::MessageSigner;
use request::{Format, LeadSourceShape, Shape};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// The descriptor.
pub(crate) const KIND: ConnectorKind = ConnectorKind {
    name: "https",
    title: "HTTPS endpoint",
    summary: "Posts every lead as JSON to a URL: your own endpoint, Power Automate, Logic Apps, n8n, Zapier or Make",
    own_fields: FIELDS,
    carries_notices: true,
    takes_batches: false,
    prepares: false,
    knows_repeats: true,
    example: r#"{"url":"https://crm.example.com/leads"}"#,
    default_mapping: &[],
    targets: &[],
    errors: &[],
    steps: &[
        "Have whoever runs the endpoint give you its URL",
        "Let Leadwire make a signing secret, and give it to them: the receiver checks every request with it",
    ],
    build: |settings| Ok(Box::new(Https::read(settings)?)),
};

struct Https {
    url: Url,
    shape: Shape,
    auth: Auth,
    receiver: reply::Receiver,
    signer: Option<MessageSigner>,
    tls: TlsWishes,
    /// The way out with the destination's own TLS, made when it is first needed.
    own_egress: OnceLock<Egress>,
    overrides: BTreeMap<u16, reply::Override>,
    wait: Duration,
}

impl Https {
    fn read(settings: &Settings) -> Result<Self, Vec<Refusal>> {
        let values = Values::new(FIELDS, settings);
        let mut refusals = Vec::new();
        let url = values.text("url").and_then(|it| Url::parse(it).ok());
        if url.is_none() {
            refusals.push(refusal(field("url"), "bad_url", "`url` is not a URL", "enter the whole URL"));
        }
        let mut signing = Vec::new();
        for name in ["signing_secret", "signing_secret_previous"] {
            match values.text(name).map(SigningSecret::parse) {
                None => {}
                Some(Ok(secret)) => signing.push(secret),
                Some(Err(bad)) => refusals.push(refusal(
                    field(name),
                    "bad_signing_secret",
                    format!("`{name}` is not a signing secret: {bad}"),
                    "have Leadwire make one, or paste the one the receiver shows, with its `whsec_`",
                )),
            }
        }
        let auth = Auth::read(&values).map_err(|more| refusals.extend(more)).ok();
        let signer = MessageSigner::read(&values).map_err(|more| refusals.extend(more)).ok().flatten();
        let tls = tls_wishes(&values).map_err(|more| refusals.push(more)).unwrap_or_default();
        let (Some(url), Some(auth), true) = (url, auth, refusals.is_empty()) else { return Err(refusals) };
        let format = match values.text("format") {
            Some("partner_center") => Format::PartnerCenter,
            Some("cloudevents") => Format::CloudEvents,
            Some("cloudevents_binary") => Format::CloudEventsBinary,
            _ => Format::Leadwire,
        };
        let lead_source = match values.text("lead_source_shape") {
            Some("bare") => LeadSourceShape::Bare,
            _ => LeadSourceShape::Compound,
        };
        Ok(Self {
            url,
            shape: Shape { format, lead_source, signing },
            auth,
            receiver: reply::Receiver::read(values.text("receiver")),
            signer,
            tls,
            own_egress: OnceLock::new(),
            overrides: reply::overrides(settings.get("status_overrides")),
            wait: DestinationSettings::read(settings).wait,
        })
    }

    /// The way out: the destination's, or one with its own TLS, whose settings were tried when they were read.
    fn way<'a>(&'a self, egress: &'a Egress) -> &'a Egress {
        if self.tls.is_usual() {
            return egress;
        }
        self.own_egress.get_or_init(|| egress.with_tls(&self.tls).unwrap_or_else(|_| egress.clone()))
    }

    async fn deliver_one(
        &self,
        payload: &Payload,
        moment: Moment,
        egress: &Egress,
        calls: &mut u32,
    ) -> Tried {
        let egress = self.way(egress);
        let Ready { header, token } = match self.auth.ready(moment.now, egress, self.wait, calls).await {
            Ok(ready) => ready,
            Err(tried) => return *tried,
        };
        let request = self.request(payload, moment, header);
        *calls += 1;
        match egress.send(request).await {
            Ok(answer) => {
                if let Some(token) = token.filter(|_| answer.status.as_u16() == 401) {
                    self.auth.forget(token).await;
                }
                let about = reply::About {
                    now: moment.now,
                    overrides: &self.overrides,
                    token,
                    known: &redact::known(&payload.touchpoint).collect::<Vec<_>>(),
                    receiver: self.receiver,
                };
                reply::read(&answer, &about)
            }
            Err(error) => error.tried(),
        }
    }

    async fn send_notice(&self, notice: &Notice, moment: Moment, egress: &Egress) -> Tried {
        let egress = self.way(egress);
        let Ready { header, token } = match self.auth.ready(moment.now, egress, self.wait, &mut 0).await {
            Ok(ready) => ready,
            Err(tried) => return *tried,
        };
        let (headers, body) = request::compose_notice(&self.shape, notice, moment.now);
        let request = self.post((headers, body), header, moment.now);
        match egress.send(request).await {
            Ok(answer) => {
                if let Some(token) = token.filter(|_| answer.status.as_u16() == 401) {
                    self.auth.forget(token).await;
                }
                let about = reply::About {
                    now: moment.now,
                    overrides: &self.overrides,
                    token,
                    known: &[],
                    receiver: self.receiver,
                };
                reply::read(&answer, &about)
            }
            Err(error) => error.tried(),
        }
    }

    /// Tells the receiver of an erasure. None: the format has no word for it.
    async fn send_erasure(&self, erasure: &Erasure<'_>, moment: Moment, egress: &Egress) -> Option<Tried> {
        let composed = request::compose_erasure(&self.shape, erasure.payload, moment.now)?;
        let egress = self.way(egress);
        let Ready { header, token } = match self.auth.ready(moment.now, egress, self.wait, &mut 0).await {
            Ok(ready) => ready,
            Err(tried) => return Some(*tried),
        };
        let tried = match egress.send(self.post(composed, header, moment.now)).await {
            Ok(answer) => {
                if let Some(token) = token.filter(|_| answer.status.as_u16() == 401) {
                    self.auth.forget(token).await;
                }
                let about = reply::About {
                    now: moment.now,
                    overrides: &self.overrides,
                    token,
                    known: &[],
                    receiver: self.receiver,
                };
                reply::read(&answer, &about)
            }
            Err(error) => error.tried(),
        };
        Some(erase::told(tried))
    }

    fn request(
        &self,
        payload: &Payload,
        moment: Moment,
        credential: Option<(HeaderName, HeaderValue)>,
    ) -> Request {
        self.post(request::compose(&self.shape, payload, moment.now), credential, moment.now)
    }

    fn post(
        &self,
        (mut headers, body): (HeaderMap, String),
        credential: Option<(HeaderName, HeaderValue)>,
        now: Timestamp,
    ) -> Request {
        if let Some((name, mut value)) = credential {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut request = Request::new(Method::POST, self.url.clone(), headers, Bytes::from(body));
        request.wait = self.wait;
        if let Some(signer) = &self.signer {
            signer.sign(&mut request, signing::unix_seconds(now));
        }
        request
    }

    /// An endpoint offers no way to ask whether it would take a lead, so this goes as far as can be gone without
    /// sending it one.
    async fn look(&self, moment: Moment, egress: &Egress) -> Checked {
        let egress = self.way(egress);
        let mut checked = Checked::default();
        let host = self.url.host_str().unwrap_or_default();
        let title = format!("Connect to {host}");
        match egress.probe(&self.url, self.wait).await {
            Ok(timings) => {
                let took = Duration::from_micros(timings.total_us.unwrap_or(0).into());
                let message = "the address is allowed, and a connection was made";
                checked.add(Step::passed("connection", title, message).took(took));
            }
            Err(error) => {
                checked.add(Step::of_attempt("connection", title, &error.tried()));
                return checked;
            }
        }
        if let Auth::OAuth2(oauth2) = &self.auth {
            let title = "Fetch an access token";
            checked.add(match oauth2.token(moment.now, egress, self.wait, &mut 0).await {
                Ok(_) => Step::passed("token", title, "the token service gave a token"),
                Err(tried) => Step::of_attempt("token", title, &tried),
            });
        }
        checked
    }
}

fn tls_wishes(values: &Values<'_>) -> Result<TlsWishes, Refusal> {
    let text = |name: &str| values.text(name).map(str::to_owned);
    let identity_pem = match (text("client_certificate"), text("client_key")) {
        (None, None) => None,
        (Some(chain), Some(key)) => Some((chain, Secret::new(key))),
        (Some(_), None) => {
            let fix = "give `client_key` too";
            return Err(refusal(field("client_key"), "missing", "the certificate's key is missing", fix));
        }
        (None, Some(_)) => {
            let fix = "give `client_certificate` too";
            return Err(refusal(
                field("client_certificate"),
                "missing",
                "the key's certificate is missing",
                fix,
            ));
        }
    };
    let wishes = TlsWishes { authorities_pem: text("authorities"), identity_pem };
    if wishes.is_usual() {
        return Ok(wishes);
    }
    match wishes.check() {
        Ok(()) => Ok(wishes),
        Err(BadTls::ExtraCa) => {
            let fix = "paste certificates in PEM, each between BEGIN CERTIFICATE and END CERTIFICATE";
            Err(refusal(field("authorities"), "bad_certificate", "`authorities` holds no certificate", fix))
        }
        Err(BadTls::Key) => {
            let fix = "paste the private key in PEM, without a password";
            Err(refusal(field("client_key"), "bad_key", "`client_key` is not a private key", fix))
        }
        Err(BadTls::Certificate | BadTls::Library(_)) => {
            let fix = "paste the certificate with its chain in PEM, and the key that belongs to it";
            let message = "`client_certificate` is not a certificate, or not that of the key";
            Err(refusal(field("client_certificate"), "bad_certificate", message, fix))
        }
    }
}

impl Connector for Https {
    fn deliver<'a>(
        &'a self,
        batch: &'a [Payload],
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Delivered> {
        async move {
            let mut delivered = Delivered { tried: Vec::with_capacity(batch.len()), calls: 0 };
            for payload in batch {
                let tried = self.deliver_one(payload, moment, egress, &mut delivered.calls).await;
                delivered.tried.push(tried);
            }
            delivered
        }
        .boxed()
    }

    fn batch_max(&self) -> usize {
        1
    }

    fn tell<'a>(
        &'a self,
        notice: &'a Notice,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move { Some(self.send_notice(notice, moment, egress).await) }.boxed()
    }

    fn preview(&self, batch: &[Payload], moment: Moment) -> Preview {
        let request = |it| PreviewedRequest::of(&self.request(it, moment, self.auth.shown()), true);
        Preview { requests: batch.iter().map(request).collect(), ..Preview::default() }
    }

    fn erase<'a>(
        &'a self,
        erasure: &'a Erasure<'a>,
        moment: Moment,
        egress: &'a Egress,
    ) -> BoxFuture<'a, Option<Tried>> {
        async move { self.send_erasure(erasure, moment, egress).await }.boxed()
    }

    fn check<'a>(&'a self, moment: Moment, egress: &'a Egress) -> BoxFuture<'a, Checked> {
        self.look(moment, egress).boxed()
    }
}
