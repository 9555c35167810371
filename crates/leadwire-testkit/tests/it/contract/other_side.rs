//! A connector together with the simulated service it writes to, and the leads that are written.

use leadwire::clock::Clock;
use leadwire_connect::descriptor::Settings;
use leadwire_connect::egress::Egress;
use leadwire_connect::egress::guard::{EgressPolicy, Ports};
use leadwire_connect::{Connector, ConnectorKind, Moment, Payload};
use leadwire_core::id::{DeliveryId, DestinationNo, LeadId, OfferRef, PublisherId, TouchpointId};
use leadwire_core::json::Json;
use leadwire_core::outcome::Tried;
use leadwire_core::touchpoint::{Action, Customer, Source, Touchpoint};
use leadwire_sandbox::https_endpoint::Keep;
use leadwire_sandbox::stage::{Options, Stage};
use leadwire_testkit::clock::{START, TestClock};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Stands in every value of a customer, and must not stand in what people read of an attempt.
const CANARY: &str = "canary";

pub(super) struct OtherSide {
    pub(super) kind: &'static str,
    pub(super) stage: Stage,
    pub(super) settings: Settings,
    pub(super) connector: Box<dyn Connector>,
    pub(super) egress: Egress,
    secrets: Vec<String>,
    clock: Arc<TestClock>,
}

impl OtherSide {
    pub(super) async fn start(kind: &'static ConnectorKind) -> Self {
        let clock = Arc::new(TestClock::default());
        let now = {
            let clock = Arc::clone(&clock);
            Arc::new(move || clock.wall().millis())
        };
        let keep = Keep::Requests { count_max: 1000 };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stage = Stage::start(kind.name, listener, Options { now, secret: [7; 32], keep }).unwrap();
        let settings = stage.settings.as_object().unwrap().clone();
        let connector = kind.open(&settings).unwrap_or_else(|it| panic!("{}: {it:?}", kind.name));
        let policy = EgressPolicy {
            allow_http: true,
            allow_nets: vec!["127.0.0.0/8".parse().unwrap()],
            ports: Ports::Any,
            ..EgressPolicy::default()
        };
        let secrets = kind.fields().filter(|it| it.secret).filter_map(|it| settings.get(it.name)?.as_str());
        let secrets = secrets.flat_map(pieces).collect();
        let egress = Egress::new(policy, None).unwrap();
        Self { kind: kind.name, stage, settings, connector, egress, secrets, clock }
    }

    /// A connector that waits no longer than must be to see that no answer comes.
    pub(super) fn impatient(&self) -> Box<dyn Connector> {
        let mut settings = self.settings.clone();
        settings.insert("timeout_seconds".to_owned(), 5.into());
        let kind = leadwire_connect::kind(self.kind).unwrap();
        kind.open(&settings).unwrap_or_else(|it| panic!("{}: {it:?}", self.kind))
    }

    /// A connector that reads what became of leads.
    pub(super) fn reading(&self) -> Box<dyn Connector> {
        let mut settings = self.settings.clone();
        settings.insert("read_feedback".to_owned(), "on".into());
        let kind = leadwire_connect::kind(self.kind).unwrap();
        kind.open(&settings).unwrap_or_else(|it| panic!("{}: {it:?}", self.kind))
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { now: self.clock.wall() }
    }

    pub(super) async fn deliver(&self, batch: &[Payload]) -> Vec<Tried> {
        self.deliver_by(&*self.connector, batch).await
    }

    pub(super) async fn deliver_by(&self, connector: &dyn Connector, batch: &[Payload]) -> Vec<Tried> {
        let delivered = connector.deliver(batch, self.moment(), &self.egress).await;
        assert_eq!(delivered.tried.len(), batch.len(), "{}: one outcome for each", self.kind);
        delivered.tried
    }

    /// Lets every limit that counts by the day start anew.
    pub(super) fn pass_a_day(&self) {
        self.clock.advance(Duration::from_secs(24 * 3600));
    }

    /// How many records hold a mark.
    pub(super) fn times_there(&self, mark: &str) -> usize {
        self.stage.records().iter().filter(|it| it.contains(mark)).count()
    }

    /// Whether the record of this id is there and holds a mark. An id may be a path, of which the end tells records apart.
    pub(super) fn is_record_of(&self, id: &str, mark: &str) -> bool {
        let id = id.rsplit('/').next().unwrap_or(id);
        self.stage.records().iter().any(|it| it.contains(mark) && it.contains(id))
    }

    /// What people read holds neither a secret nor a customer.
    #[track_caller]
    pub(super) fn check_discreet(&self, text: &str, about: &str) {
        assert!(!text.to_lowercase().contains(CANARY), "a customer stands in it; {about}");
        self.check_no_secret(text, about);
    }

    #[track_caller]
    pub(super) fn check_no_secret(&self, text: &str, about: &str) {
        for secret in &self.secrets {
            assert!(!text.contains(secret.as_str()), "a secret stands in it; {about}");
        }
    }

    pub(super) async fn stop(self) {
        self.stage.stop().await;
    }
}

/// The parts of a secret that are one: of a connection string or a URL, what stands behind the signs.
fn pieces(secret: &str) -> Vec<String> {
    let parts = secret.split([';', '&', '?', '/']).map(|it| it.split_once('=').map_or(it, |it| it.1));
    let mut parts: Vec<String> = parts.filter(|it| it.len() >= 20).map(str::to_owned).collect();
    // The host of a URL is shown.
    if !secret.starts_with("http") {
        parts.push(secret.to_owned());
    }
    parts
}

/// What a lead is found by: its customer's family name.
pub(super) fn mark(number: usize) -> String {
    format!("Mark{number}Canaryson")
}

/// A lead of a customer of its own.
pub(super) fn payload(number: usize, attempt: u32) -> Payload {
    let some = |text: String| Some(text);
    let bits = u128::try_from(number).unwrap() + 0x0195_0000_0000_7000_8000_0000_0000_0000;
    Payload {
        delivery: DeliveryId { touchpoint: TouchpointId::new(bits), destination: DestinationNo::new(3) },
        publisher: PublisherId::parse("contoso").unwrap(),
        lead: LeadId::new(bits),
        received_at: START,
        touchpoint: Arc::new(Touchpoint {
            source: Source::AzureMarketplace,
            action: Action::Installation,
            offer: Some(OfferRef::parse("contoso.crm-pro").unwrap()),
            offer_title: some("Contoso CRM Pro".to_owned()),
            customer: Customer {
                first_name: some("Ada".to_owned()),
                last_name: some(mark(number)),
                email: some(format!("canary{number}@example.com")),
                phone: some("+36201234567".to_owned()),
                country: some("HU".to_owned()),
                company: some(format!("Canary Works {number}")),
                title: some("CTO".to_owned()),
            },
            notes: some("the canary sings".to_owned()),
            campaign: vec![("utm_source".to_owned(), Json::Text("canary".to_owned()))],
            ..Touchpoint::default()
        }),
        attempt,
        standing: Default::default(),
        message: None,
        mapping: None,
    }
}

/// Leads with values that break what is not written with care; numbered from here.
pub(super) fn strange(from: usize) -> Vec<Payload> {
    let changes: Vec<fn(&mut Touchpoint)> = vec![
        |it| it.notes = Some("x".repeat(200_000)),
        |it| it.notes = Some("ő愛😀".repeat(20_000)),
        |it| it.customer.company = Some("y".repeat(5_000)),
        |it| it.customer.first_name = Some("</script><b>'\"`${1}{{x}}%s\\".to_owned()),
        |it| it.customer.company = Some("a\r\nBcc: b@x.example\r\n\r\n.\r\nQUIT".to_owned()),
        |it| it.customer.company = Some("--batch\r\n--changeset\u{0}\u{1f}\u{7f}\u{fffe}".to_owned()),
        |it| it.customer.title = Some("\u{202e}rtl\u{200b}\u{feff}".to_owned()),
        |it| it.customer.phone = Some("call me maybe".to_owned()),
        |it| it.customer.country = Some("Atlantis".to_owned()),
        |it| it.customer.first_name = None,
        |it| it.customer.email = Some("not an address".to_owned()),
        |it| it.customer.email = None,
        |it| it.offer = None,
        |it| {
            it.custom = (0..50).map(|at| (format!("f{at}"), Json::Text("z".repeat(1_000)))).collect();
        },
    ];
    let change = |(at, change): (usize, fn(&mut Touchpoint))| {
        let mut payload = payload(from + at, 1);
        change(Arc::make_mut(&mut payload.touchpoint));
        payload
    };
    changes.into_iter().enumerate().map(change).collect()
}

/// The same text but for one letter or digit of its secret part.
pub(super) fn spoilt(secret: &str) -> String {
    let start = secret.find("AccountKey=").map_or(0, |it| it + "AccountKey=".len());
    let rest = secret[start..].split(';').next().unwrap();
    let at = start + rest.len() * 2 / 3;
    let at = at + secret[at..].find(|it: char| it.is_ascii_alphanumeric()).unwrap();
    let other = match secret.as_bytes()[at] {
        b'0' => '1',
        it if it.is_ascii_digit() => '0',
        b'a' => 'b',
        it if it.is_ascii_lowercase() => 'a',
        b'A' => 'B',
        _ => 'A',
    };
    format!("{}{other}{}", &secret[..at], &secret[at + 1..])
}

/// So that a value of a settings object is told from one of a lead at a glance.
#[test]
fn a_spoilt_secret_differs_in_one_place() {
    assert_eq!(spoilt("abcdef"), "abcdaf");
    assert_eq!(spoilt("AccountName=x;AccountKey=abc;T=y"), "AccountName=x;AccountKey=aba;T=y");
    let value = Value::from(spoilt("0000"));
    assert_eq!(value, "0010");
}
