//! Replays: what is sent again is chosen and counted first, then begun; how far one is; and its buttons.

use super::form::{Form, Maker, Refused, Shape};
use super::shell::{Shell, in_path};
use super::visit::{Visit, html};
use crate::access::Action;
use crate::api::{Problem, Wish, wire};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::rfc3339;
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "portal/replays.html")]
struct ReplaysPage {
    shell: Shell,
    rows: Vec<wire::Replay>,
    next: Option<String>,
    is_first: bool,
    may_retry: bool,
}

#[derive(Template)]
#[template(path = "portal/replay_new.html")]
struct NewPage {
    shell: Shell,
    form: Form,
}

#[derive(Template)]
#[template(path = "portal/replay.html")]
struct ReplayPage {
    shell: Shell,
    it: wire::Replay,
    chosen: Vec<Chosen>,
    /// Who asked for it.
    asker: String,
    /// The one that was begun after this one had counted.
    begun: Option<String>,
    may_retry: bool,
}

/// A part of what a replay is for, in words or as it was written.
struct Chosen {
    name: String,
    value: String,
    is_code: bool,
}

/// Which deliveries a replay to one destination is for: how the form calls it, the state that is asked for, and whether what is
/// delivered is sent again.
const WHICH: [(&str, &str, bool); 5] = [
    ("lacking", "", false),
    ("missing", "missing", false),
    ("parked", "parked", false),
    ("delivered", "delivered", true),
    ("every", "", true),
];
/// Replays among which the one is looked for that was begun after counting: the newest.
const BEGUN_AMONG: &str = "50";

fn which(it: &wire::Replay) -> &'static str {
    if it.destination.is_none() {
        return "unrouted";
    }
    let only = it.only.as_deref().unwrap_or_default();
    WHICH.iter().find(|which| which.1 == only && which.2 == it.force).map_or("every", |which| which.0)
}

impl Shell {
    /// What a replay is for, in a few words.
    pub(super) fn replay_name(&self, it: &wire::Replay) -> String {
        let what = self.name_of("replay-which", which(it));
        it.destination.as_ref().map_or(what.clone(), |to| format!("{to}: {what}"))
    }

    /// How far a replay is, in percent.
    pub(super) fn replay_percent(&self, it: &wire::Replay) -> String {
        format!("{:.0}", it.progress * 100.0)
    }
}

/// `GET /replays`
pub(super) async fn list(visit: Visit) -> Result<Response, Problem> {
    let found = visit.ask_rows::<wire::Replay>("/v1/replays").await?;
    let page = ReplaysPage {
        shell: visit.shell("replays"),
        rows: found.items,
        next: found.next,
        is_first: visit.asked("cursor").is_empty(),
        may_retry: visit.may(Action::RetryDeliveries),
    };
    Ok(visit.page(&page))
}

/// `GET /replays/new`
pub(super) async fn new(visit: Visit) -> Result<Response, Problem> {
    form_page(&visit, None).await
}

async fn form_page(visit: &Visit, refused: Option<Refused>) -> Result<Response, Problem> {
    if !visit.may(Action::RetryDeliveries) {
        return Err(Problem::forbidden());
    }
    let places: wire::List<wire::Destination> = visit.ask(Wish::get("/v1/destinations")).await?;
    let offers: wire::List<wire::Offer> = visit.ask(Wish::get("/v1/offers")).await?;
    let shell = visit.shell("replay-new").at("/replays/new");
    let mut maker = Maker::new("replay", visit, refused.as_ref());
    let asked = |name: &str| visit.asked(name);
    let mut all = vec![(String::new(), shell.say("replay-anywhere"))];
    all.extend(places.items.iter().map(|it| (it.name.clone(), it.name.clone())));
    let to = maker.ask("destination", shell.say("replay-to"), asked("destination"));
    to.shape(Shape::Choice(all)).hint(shell.say("replay-to-hint"));
    let all = WHICH.map(|it| (it.0.to_owned(), shell.name_of("replay-which", it.0)));
    let state = maker.ask("state", shell.say("replay-which"), asked("state"));
    state.shape(Shape::Choice(all.to_vec())).hint(shell.say("replay-which-hint"));
    let mut all = vec![("*".to_owned(), shell.say("every-offer"))];
    all.extend(offers.items.into_iter().map(|it| {
        let shown = if it.title == it.id { it.title } else { format!("{} ({})", it.title, it.id) };
        (it.id, shown)
    }));
    maker.ask("offer", shell.say("offer"), asked("offer")).shape(Shape::Choice(all));
    let mapping = maker.ask("mapping", shell.say("replay-mapping"), asked("mapping"));
    mapping.shape(Shape::Number(1, u64::from(u32::MAX))).hint(shell.say("replay-mapping-hint"));
    for (name, label) in [("from", "replay-from"), ("until", "replay-until")] {
        let at = maker.ask(name, shell.say(label), asked(name));
        at.shape(Shape::Line("datetime-local")).hint(shell.say_with("replay-time-hint", shell.zone()));
    }
    maker.ask("action", shell.say("action"), asked("action")).hint(shell.say("replay-action-hint"));
    maker.ask("source", shell.say("source"), asked("source")).hint(shell.say("replay-source-hint"));
    let cause = maker.ask("cause", shell.say("replay-cause"), asked("cause"));
    cause.hint(shell.say("replay-cause-hint"));
    let filter = maker.ask("filter", shell.say("replay-filter"), asked("filter"));
    filter.shape(Shape::Lines(2, "code")).hint(shell.say("replay-filter-hint"));
    let form = maker.done();
    let status = refused.map_or(StatusCode::OK, |it| it.status);
    Ok(html(status, &NewPage { form, shell }))
}

/// What is asked for, without what was left empty.
fn wish(visit: &Visit) -> Value {
    let text = |name: &str| visit.field(name).trim().to_owned();
    // A moment of a form says nothing of where it is: it is meant where its reader is.
    let zone = visit.look.zone();
    let chosen = WHICH.iter().find(|it| it.0 == visit.field("state"));
    let (state, force) = chosen.map_or((text("state"), false), |it| (it.1.to_owned(), it.2));
    let mut wish = Map::new();
    let all = [
        ("destination", text("destination")),
        ("offer", text("offer")),
        ("from", zone.moment(&text("from"))),
        ("until", zone.moment(&text("until"))),
        ("filter", text("filter")),
        ("source", text("source")),
        ("action", text("action")),
        ("state", state),
        ("cause", text("cause")),
        ("mapping", text("mapping")),
    ];
    for (name, value) in all.into_iter().filter(|it| !it.1.is_empty()) {
        wish.insert(name.to_owned(), Value::from(value));
    }
    wish.insert("force".to_owned(), Value::from(force));
    wish.insert("dry_run".to_owned(), Value::from(true));
    Value::Object(wish)
}

/// `POST /replays/new`
pub(super) async fn count(visit: Visit) -> Result<Response, Problem> {
    match visit.ask::<wire::Replay>(Wish::post("/v1/replays").body(wish(&visit))).await {
        Ok(made) => Ok(visit.on_to(&visit.shell("replays"), &path(&made.id), "replay-counts")),
        Err(problem) => form_page(&visit, Some(Refused::of("replay", problem)?)).await,
    }
}

fn path(id: &str) -> String {
    format!("/replays/{}", in_path(id))
}

async fn found(visit: &Visit) -> Result<wire::Replay, Problem> {
    let places = [("replay", visit.place("replay"))];
    visit.ask(Wish::get("/v1/replays/{replay}").at(&places)).await
}

/// `GET /replays/{replay}`
pub(super) async fn show(visit: Visit) -> Result<Response, Problem> {
    let it = found(&visit).await?;
    let begun = if it.dry_run { begun_after(&visit, &it).await?.map(|it| it.id) } else { None };
    let mut shell = visit.shell("replays");
    shell.title = shell.replay_name(&it);
    let own = visit.user();
    let known = it.asker.clone().or_else(|| it.asked_by.clone()).unwrap_or_default();
    let is_own =
        it.asked_by.as_deref() == Some(own.user.id.to_string().as_str()) && !own.user.name.is_empty();
    let page = ReplayPage {
        chosen: chosen(&shell, &it),
        asker: if is_own { own.user.name.clone() } else { known },
        may_retry: visit.may(Action::RetryDeliveries),
        begun,
        shell,
        it,
    };
    Ok(visit.page(&page))
}

/// What a replay is for, in words.
fn chosen(shell: &Shell, it: &wire::Replay) -> Vec<Chosen> {
    let to = it.destination.clone().unwrap_or_else(|| shell.say("replay-anywhere"));
    let offer = if it.offer == "*" { shell.say("every-offer") } else { it.offer.clone() };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let since = it.from.as_ref().map(|it| shell.when(it)).unwrap_or_default();
    let version = it.mapping.map(|it| it.to_string()).unwrap_or_default();
    let all = [
        ("replay-to", to, false),
        ("replay-which", shell.name_of("replay-which", which(it)), false),
        ("offer", offer, false),
        ("replay-from", since, false),
        ("replay-until", shell.when(&it.until), false),
        ("action", it.action.as_ref().map(|it| shell.name_of("action", it)).unwrap_or_default(), false),
        ("source", text(&it.source), false),
        ("replay-cause", text(&it.cause), true),
        ("replay-filter", text(&it.filter), true),
        ("replay-mapping", version, false),
    ];
    let all = all.into_iter().filter(|it| !it.1.is_empty());
    all.map(|(name, value, is_code)| Chosen { name: shell.say(name), value, is_code }).collect()
}

/// The replay that does what this one counted: the same is asked for, up to the same moment.
async fn begun_after(visit: &Visit, counted: &wire::Replay) -> Result<Option<wire::Replay>, Problem> {
    let newest = [("limit", BEGUN_AMONG)];
    let all: wire::Page<wire::Replay> = visit.ask(Wish::get("/v1/replays").with(&newest)).await?;
    let what = again(counted);
    Ok(all.items.into_iter().find(|it| !it.dry_run && it.id > counted.id && again(it) == what))
}

/// What has to be asked for so that a replay is made again, and this time does something.
fn again(it: &wire::Replay) -> Value {
    json!({
        "destination": it.destination, "offer": it.offer, "from": it.from, "until": it.until, "force": it.force,
        "filter": it.filter, "source": it.source, "action": it.action, "state": it.only, "cause": it.cause,
        "mapping": it.mapping.map(|it| it.to_string()),
    })
}

/// `POST /replays/{replay}/{deed}`
pub(super) async fn act(visit: Visit) -> Result<Response, Problem> {
    let places = [("replay", visit.place("replay"))];
    let (pattern, said) = match visit.place("deed") {
        "pause" => ("/v1/replays/{replay}/pause", "paused"),
        "resume" => ("/v1/replays/{replay}/resume", "resumed"),
        "stop" => ("/v1/replays/{replay}/stop", "replay-stopped"),
        "begin" => return begin(visit).await,
        _ => return Err(Problem::not_found()),
    };
    let _: wire::Replay = visit.ask(Wish::post(pattern).at(&places)).await?;
    Ok(visit.on_to(&visit.shell("replays"), &path(visit.place("replay")), said))
}

/// Does what was counted. Whoever presses twice means once.
async fn begin(visit: Visit) -> Result<Response, Problem> {
    let counted = found(&visit).await?;
    let made = match begun_after(&visit, &counted).await? {
        Some(there) => there,
        None => visit.ask(Wish::post("/v1/replays").body(again(&counted))).await?,
    };
    Ok(visit.on_to(&visit.shell("replays"), &path(&made.id), "replay-begun"))
}

impl ReplayPage {
    /// Whether it would do something, now that all is counted.
    fn has_work(&self) -> bool {
        self.it.added + self.it.again > 0
    }

    /// How much of what there is was looked at.
    fn looked(&self) -> String {
        let (shell, it) = (&self.shell, &self.it);
        match &it.total {
            Some(total) => shell.say_of("replay-looked-of", &shell.number(&it.looked), &shell.number(total)),
            None => shell.say_count("replay-looked", &it.looked),
        }
    }

    /// What a delivery met, in words.
    fn why(&self, it: &wire::ReplayTally) -> String {
        self.shell.name_of("replay-why", &it.why)
    }

    /// The form that this one came from, filled as it was.
    fn change(&self) -> String {
        let it = &self.it;
        let mapping = it.mapping.map(|it| it.to_string()).unwrap_or_default();
        let text = |value: &'_ Option<String>| value.clone().unwrap_or_default();
        // Such an input takes no zone.
        let zone = self.shell.look.zone();
        let local = |value: &str| rfc3339::parse(value).map(|it| zone.minute(it)).unwrap_or_default();
        let all = [
            ("destination", text(&it.destination)),
            ("state", which(it).to_owned()),
            ("offer", it.offer.clone()),
            ("mapping", mapping),
            ("from", it.from.as_deref().map(local).unwrap_or_default()),
            ("action", text(&it.action)),
            ("source", text(&it.source)),
            ("cause", text(&it.cause)),
            ("filter", text(&it.filter)),
        ];
        let query: Vec<(&str, &str)> = all.iter().map(|it| (it.0, it.1.as_str())).collect();
        self.shell.link("/replays/new", &query)
    }
}
