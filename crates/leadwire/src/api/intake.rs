//! Senders' endpoints: the API's own, and the addresses to which marketplaces post their bodies.

use super::answer;
use super::call::Call;
use super::problem::Problem;
use super::wire::{AddressReceipt, ItemResult, Receipt, Receipts};
use crate::access::{self, Action, Decision};
use crate::bodies::{self, Item, Items};
use crate::intake::{Incoming, Key, Received};
use axum::http::StatusCode;
use axum::response::Response;
use leadwire_core::id::PublisherId;
use leadwire_core::limits;
use leadwire_core::refusal::Refusal;
use leadwire_core::touchpoint::Touchpoint;
use leadwire_store::rows::Channel;

/// `POST /v1/leads`
pub(super) async fn by_api(call: Call) -> Result<Response, Problem> {
    refuse_when_disk_is_full(&call)?;
    let is_ndjson = match media_type(call.header("content-type")).as_str() {
        "application/json" => false,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => true,
        _ => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "content_type",
                "the content type is neither JSON nor NDJSON",
                "send `Content-Type: application/json` or `application/x-ndjson`",
            ));
        }
    };
    let way = match call.query.get("import").map(String::as_str) {
        None | Some("false") => Way { channel: Channel::Api, key: idempotency_key(&call)? },
        Some("true") => Way { channel: Channel::File, key: None },
        Some(_) => {
            let fix = "use `import=true`, or leave it out";
            let refusal = Refusal::new("", "bad_import", "`import` is neither true nor false", fix);
            return Err(Problem::from(refusal).with_status(StatusCode::BAD_REQUEST));
        }
    };
    let items = bodies::api_items(&call.body, is_ndjson)
        .map_err(|it| Problem::from(it).with_status(StatusCode::BAD_REQUEST))?;
    match items {
        Items::One(item) => {
            if call.body.len() > limits::TOUCHPOINT_BYTES_MAX {
                let refusals = item.parsed.err().unwrap_or_default();
                return Err(Problem::refused(refusals).with_status(StatusCode::PAYLOAD_TOO_LARGE));
            }
            one(&call, *item, &way).await
        }
        Items::Many(items) => many(&call, items, &way).await,
    }
}

/// How touchpoints come by the API, and by what key of the sender's a repetition is recognised.
struct Way {
    channel: Channel,
    key: Option<String>,
}

impl Way {
    /// The key of the item at this place. Each has one of its own, so that a repeated request recognises each of them.
    /// No sender's own key is like it: a header holds no line end. In an import its own bytes are the key: the file may
    /// be sorted, mended or lengthened when it comes again.
    fn key(&self, place: Option<usize>) -> Option<Key> {
        if self.channel == Channel::File {
            return Some(Key::SameItem(limits::IMPORT_KEPT));
        }
        let key = self.key.as_ref()?;
        let key = place.map_or_else(|| key.clone(), |it| format!("{key}\n{it}"));
        Some(Key::Sender(key, limits::IDEMPOTENCY_KEPT))
    }
}

async fn one(call: &Call, item: Item, way: &Way) -> Result<Response, Problem> {
    let incoming = admit(call, item, (way.channel, way.key(None)))?;
    let received = call.app.intake.accept(vec![incoming]).await?;
    let receipt = receipt(call, way.channel, received[0])?;
    Ok(answer::json(StatusCode::ACCEPTED, &receipt))
}

async fn many(call: &Call, items: Vec<Item>, way: &Way) -> Result<Response, Problem> {
    let mut results: Vec<Option<ItemResult>> = Vec::with_capacity(items.len());
    let mut incoming = Vec::with_capacity(items.len());
    for (number, item) in items.into_iter().enumerate() {
        match admit(call, item, (way.channel, way.key(Some(number)))) {
            Ok(admitted) => {
                incoming.push(admitted);
                results.push(None);
            }
            Err(problem) => {
                call.app.metrics.count_received(way.channel.as_str(), "refused");
                results.push(Some(ItemResult::Refused { problem: problem.to_json() }));
            }
        }
    }
    let received = if incoming.is_empty() { Vec::new() } else { call.app.intake.accept(incoming).await? };
    let mut received = received.into_iter();
    let results: Vec<ItemResult> = results
        .into_iter()
        .map(|it| {
            it.unwrap_or_else(|| {
                let received = received.next().expect("every admitted item is answered");
                receipt(call, way.channel, received)
                    .map_or_else(|it| ItemResult::Refused { problem: it.to_json() }, ItemResult::Accepted)
            })
        })
        .collect();
    let count = |wanted: fn(&ItemResult) -> bool| results.iter().filter(|it| wanted(it)).count();
    let accepted = count(|it| matches!(it, ItemResult::Accepted(receipt) if !receipt.duplicate));
    let duplicates = count(|it| matches!(it, ItemResult::Accepted(receipt) if receipt.duplicate));
    let refused = count(|it| matches!(it, ItemResult::Refused { .. }));
    // When nothing at all came in, the status says so; otherwise each item's own result does.
    let status = if refused > 0 && accepted + duplicates == 0 {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::ACCEPTED
    };
    Ok(answer::json(status, &Receipts { results, accepted, duplicates, refused }))
}

/// Checks an item, and whether this key may send it.
fn admit(call: &Call, item: Item, (channel, key): (Channel, Option<Key>)) -> Result<Incoming, Problem> {
    let touchpoint = item.parsed.map_err(Problem::refused)?;
    let publisher = publisher_of(call, &touchpoint)?;
    Ok(Incoming { publisher, channel, body: item.body, touchpoint, key, of_lead: None })
}

/// The publisher of the touchpoint's offer, or the key's own. A foreign publisher looks like a missing one.
fn publisher_of(call: &Call, touchpoint: &Touchpoint) -> Result<PublisherId, Problem> {
    let actor = call.actor.as_ref().ok_or_else(Problem::unauthorized)?;
    let named = touchpoint.offer.as_ref().map(|it| it.publisher.clone());
    let publisher = named.or_else(|| actor.publisher.clone()).ok_or_else(|| {
        Refusal::new(
            "/offer",
            "offer_missing",
            "the touchpoint names no offer",
            "set `offer` to `publisher.offer`",
        )
    })?;
    let exists = call.app.directory.now().has_publisher(&publisher);
    match access::decide(actor, Action::SendTouchpoints, Some((&publisher, exists))) {
        Decision::Allow => Ok(publisher),
        Decision::Forbid => Err(Problem::forbidden()),
        Decision::Hide => Err(Refusal::new(
            "/offer",
            "unknown_publisher",
            "there is no such publisher for this key",
            "check the part before the first dot of `offer`",
        )
        .into()),
    }
}

fn receipt(call: &Call, channel: Channel, received: Received) -> Result<Receipt, Problem> {
    match received {
        Received::New(touchpoint, lead) => {
            call.app.metrics.count_received(channel.as_str(), "stored");
            Ok(Receipt {
                id: touchpoint.to_string(),
                lead: lead.to_string(),
                duplicate: false,
                erased: false,
            })
        }
        Received::KeptOut(touchpoint, lead) => {
            call.app.metrics.count_received(channel.as_str(), "erased");
            Ok(Receipt { id: touchpoint.to_string(), lead: lead.to_string(), duplicate: false, erased: true })
        }
        Received::Duplicate(touchpoint, lead) => {
            call.app.metrics.count_received(channel.as_str(), "duplicate");
            Ok(Receipt { id: touchpoint.to_string(), lead: lead.to_string(), duplicate: true, erased: false })
        }
        Received::KeyReused(touchpoint) => {
            call.app.metrics.count_received(channel.as_str(), "refused");
            Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                format!("this Idempotency-Key was used before with another body, for {touchpoint}"),
                "use a new key for a new touchpoint, and the same body with the same key",
            ))
        }
        // Only what a person says of a lead names one.
        Received::NoLead => Err(Problem::not_found()),
    }
}

/// `POST /in/{token}`
pub(super) async fn by_address(call: Call) -> Result<Response, Problem> {
    let address = call.app.directory.now().address(call.path("token")).cloned();
    // An unknown, a malformed and a revoked token are answered like an address that never was.
    let address = address.ok_or_else(Problem::not_found)?;
    refuse_when_disk_is_full(&call)?;
    if call.body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "empty_body",
            "the body is empty",
            "post the lead as the marketplace documents it",
        ));
    }
    let content_type = call.header("content-type").to_owned();
    let (channel, touchpoint) = match bodies::from_address(&call.body, &content_type, &address.offer) {
        Ok(read) => read,
        Err(refusals) => {
            let body = call.body.clone();
            let id = call.app.intake.quarantine(&address.offer, &content_type, body, &refusals).await?;
            call.app.metrics.count_received("address", "quarantined");
            tracing::warn!(quarantine.id = %id, publisher = %address.offer.publisher,
                "A lead body could not be read. It is kept in quarantine as {id}.");
            let receipt =
                AddressReceipt { id: id.to_string(), lead: None, duplicate: false, quarantined: true };
            return Ok(answer::json(StatusCode::ACCEPTED, &receipt));
        }
    };
    let incoming = Incoming {
        publisher: address.offer.publisher.clone(),
        channel,
        body: call.body.clone(),
        touchpoint,
        key: Some(Key::SameBody(address.token.to_string(), limits::SAME_BODY_WINDOW)),
        of_lead: None,
    };
    let (id, lead, result) = match call.app.intake.accept(vec![incoming]).await?[0] {
        Received::New(id, lead) => (id, Some(lead), "stored"),
        Received::KeptOut(id, lead) => (id, Some(lead), "erased"),
        Received::Duplicate(id, lead) => (id, Some(lead), "duplicate"),
        // The key is the hash of the body, so another body has another key.
        Received::KeyReused(id) => (id, None, "duplicate"),
        // Only what a person says of a lead names one.
        Received::NoLead => return Err(Problem::not_found()),
    };
    call.app.metrics.count_received("address", result);
    let receipt = AddressReceipt {
        id: id.to_string(),
        lead: lead.map(|it| it.to_string()),
        duplicate: result == "duplicate",
        quarantined: false,
    };
    Ok(answer::json(StatusCode::ACCEPTED, &receipt))
}

fn refuse_when_disk_is_full(call: &Call) -> Result<(), Problem> {
    if call.app.disk.is_nearly_full() {
        return Err(Problem::try_again("disk_nearly_full", "the disk of the service is nearly full", 60));
    }
    Ok(())
}

fn idempotency_key(call: &Call) -> Result<Option<String>, Problem> {
    let Some(value) = call.headers.get("idempotency-key") else { return Ok(None) };
    // Both spellings are in use: the bare key, and the quoted string of the IETF draft.
    let key = value.to_str().unwrap_or("").trim().trim_matches('"');
    if key.is_empty() || key.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "idempotency_key",
            "the Idempotency-Key cannot be used",
            format!("use 1 to {} visible ASCII characters", limits::IDEMPOTENCY_KEY_BYTES_MAX),
        ));
    }
    Ok(Some(key.to_owned()))
}

fn media_type(header: &str) -> String {
    header.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}
