//! What is missing before an offer may be shown, told in words.

use super::{Listing, OfferState};
use crate::language::Language;

/// How far a destination has proved itself in one respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// Never.
    Never,
    /// With settings that were changed since.
    Before,
    /// With the settings that it has.
    Now,
}

/// A destination to which an offer's touchpoints may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutedTo {
    /// Its name.
    pub name: String,
    /// Whether some route brings it every touchpoint of the offer: one without a filter.
    pub takes_all: bool,
    /// Whether it was validated.
    pub validated: Proven,
    /// Whether it received a test lead that stayed there.
    pub test_lead: Proven,
}

/// What a step is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeededFor {
    /// The preview, and so for going live.
    Preview,
    /// Going live.
    Live,
    /// Nothing; it is advice.
    Advice,
}

/// One step on the way, done or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Stable name.
    pub code: &'static str,
    /// Whether it is done.
    pub is_done: bool,
    /// What it is needed for.
    pub needed_for: NeededFor,
    /// How it stands, in words.
    pub message: String,
    /// What to do when it is missing.
    pub fix: String,
    /// The destination it is about, where it is about one.
    pub destination: Option<String>,
}

/// Every step of an offer, done and missing, in the order in which one does them. `offer` is its full id, for commands.
pub fn steps(offer: &str, listing: Option<&Listing>, state: OfferState, routed: &[RoutedTo]) -> Vec<Step> {
    let mut steps = match listing {
        None => vec![step(
            "listing",
            false,
            NeededFor::Preview,
            "the listing was not written yet".to_owned(),
            format!("write it to a file and bring it in with `leadwire offer set {offer} FILE`"),
        )],
        Some(listing) => of_listing(offer, listing),
    };
    steps.push(step(
        "preview",
        state != OfferState::Draft,
        NeededFor::Live,
        told(state != OfferState::Draft, "the page was looked at in the preview", "there was no preview yet"),
        format!("open the preview with `leadwire offer preview {offer}` and look at the page"),
    ));
    steps.push(destination_is_there(offer, listing, routed));
    steps.extend(none_is_left_out(offer, routed));
    steps.extend(routed.iter().flat_map(|it| of_destination(offer, it)));
    steps
}

/// Whether all steps for this, and for what comes before it, are done.
pub fn is_ready(steps: &[Step], wanted: NeededFor) -> bool {
    steps.iter().all(|it| it.is_done || it.needed_for > wanted || it.needed_for == NeededFor::Advice)
}

fn of_listing(offer: &str, listing: &Listing) -> Vec<Step> {
    let set = |what: &str| format!("{what}, and bring it in with `leadwire offer set {offer} FILE`");
    let mut steps = Vec::new();
    let complete = listing.languages();
    let names: Vec<&str> = complete.iter().map(|it| it.code()).collect();
    let is_there = !complete.is_empty();
    steps.push(step(
        "language",
        is_there,
        NeededFor::Preview,
        told(is_there, &format!("the page can be shown in: {}", names.join(", ")), "no language is complete"),
        set("give one language a title, a summary, a consent text and that text's version"),
    ));
    for (language, texts) in listing.texts.iter() {
        if !texts.is_complete() {
            steps.push(incomplete(offer, language));
        }
    }
    let has_button = !listing.offered.is_empty();
    steps.push(step(
        "action",
        has_button,
        NeededFor::Preview,
        told(has_button, "a customer can do something on the page", "the page offers nothing to do"),
        set("name at least one of `test_drive`, `get_it_now`, `contact_me` and `purchase` in `actions`"),
    ));
    let has_privacy = listing.privacy_url.is_some();
    steps.push(step(
        "privacy",
        has_privacy,
        NeededFor::Advice,
        told(has_privacy, "the privacy statement is linked", "no privacy statement is linked"),
        set("give its address as `privacy_url`"),
    ));
    steps
}

fn incomplete(offer: &str, language: Language) -> Step {
    let code = language.code();
    step(
        "language_complete",
        false,
        NeededFor::Live,
        format!("the texts in `{code}` are not complete"),
        format!(
            "give `texts.{code}` a title, a summary, a consent text and its version, or take `{code}` out, and bring it \
             in with `leadwire offer set {offer} FILE`"
        ),
    )
}

fn destination_is_there(offer: &str, listing: Option<&Listing>, routed: &[RoutedTo]) -> Step {
    let need = listing.and_then(|it| it.kind.needs_destination(&it.buttons()));
    let is_done = !routed.is_empty();
    let missing = match need {
        Some(why) => format!("no lead destination is routed, and {why}"),
        None => "no lead destination is routed: what customers send is kept and goes nowhere".to_owned(),
    };
    let (publisher, id) = offer.split_once('.').unwrap_or((offer, offer));
    step(
        "destination",
        is_done,
        if need.is_some() { NeededFor::Live } else { NeededFor::Advice },
        told(is_done, "leads of the offer have a destination", &missing),
        format!(
            "add a destination, and route the offer to it with `leadwire route add {publisher} --offer {id} --to DESTINATION`"
        ),
    )
}

/// Advice where every route to a destination has a filter: a lead that fulfils none of them goes nowhere.
fn none_is_left_out(offer: &str, routed: &[RoutedTo]) -> Option<Step> {
    let is_done = routed.iter().any(|it| it.takes_all);
    let missing = "every route of the offer has a filter: a lead that fulfils none is kept and goes nowhere";
    let (publisher, id) = offer.split_once('.').unwrap_or((offer, offer));
    let fix = format!(
        "try leads with `leadwire route test {publisher} LEAD.json`, or add a last route without a filter: \
         `leadwire route add {publisher} --offer {id} --to DESTINATION`"
    );
    let message = told(is_done, "some destination takes every lead of the offer", missing);
    (!routed.is_empty()).then(|| step("all_taken", is_done, NeededFor::Advice, message, fix))
}

fn of_destination(offer: &str, it: &RoutedTo) -> [Step; 2] {
    let publisher = offer.split('.').next().unwrap_or(offer);
    let name = &it.name;
    let about = |step: Step| Step { destination: Some(name.clone()), ..step };
    let validated = match it.validated {
        Proven::Now => format!("`{name}` was validated"),
        Proven::Before => format!("`{name}` was changed since it was validated"),
        Proven::Never => format!("`{name}` was not validated, or the last validation failed"),
    };
    let test_lead = match it.test_lead {
        Proven::Now => format!("`{name}` received its test lead"),
        Proven::Before => format!("`{name}` was changed since it received a test lead"),
        Proven::Never => format!("`{name}` received no test lead yet"),
    };
    [
        about(step(
            "validated",
            it.validated == Proven::Now,
            NeededFor::Live,
            validated,
            format!("run `leadwire destination validate {publisher} {name}`"),
        )),
        about(step(
            "test_lead",
            it.test_lead == Proven::Now,
            NeededFor::Live,
            test_lead,
            format!("run `leadwire destination test-lead {publisher} {name}` and look for it there"),
        )),
    ]
}

fn told(is_done: bool, done: &str, missing: &str) -> String {
    (if is_done { done } else { missing }).to_owned()
}

fn step(code: &'static str, is_done: bool, needed_for: NeededFor, message: String, fix: String) -> Step {
    let fix = if is_done { String::new() } else { fix };
    Step { code, is_done, needed_for, message, fix, destination: None }
}

#[cfg(test)]
mod tests {
    use super::super::{Button, OfferKind, Offered, Texts};
    use super::*;

    fn listing(kind: OfferKind) -> Listing {
        let mut it = Listing {
            kind,
            offered: vec![Offered { button: Button::ContactMe, next_url: None }],
            texts: Default::default(),
            pictures: Vec::new(),
            privacy_url: None,
            embed_origins: Vec::new(),
        };
        let word = || "x".to_owned();
        let texts = Texts {
            title: word(),
            summary: word(),
            consent: word(),
            consent_version: word(),
            ..Texts::default()
        };
        it.texts.put(Language::En, texts);
        it
    }

    fn routed(validated: Proven, test_lead: Proven) -> RoutedTo {
        RoutedTo { name: "crm".to_owned(), takes_all: true, validated, test_lead }
    }

    fn missing(listing: Option<&Listing>, state: OfferState, routed: &[RoutedTo]) -> Vec<&'static str> {
        let steps = steps("contoso.crm", listing, state, routed);
        assert!(steps.iter().all(|it| it.is_done == it.fix.is_empty() && !it.message.is_empty()));
        let blocking = |it: &&Step| !it.is_done && it.needed_for != NeededFor::Advice;
        let missing: Vec<_> = steps.iter().filter(blocking).map(|it| it.code).collect();
        assert_eq!(missing.is_empty(), is_ready(&steps, NeededFor::Live));
        missing
    }

    #[test]
    fn an_offer_goes_live_when_every_destination_proved_itself_with_the_settings_it_has() {
        let (saas, proven) = (listing(OfferKind::Saas), routed(Proven::Now, Proven::Now));
        assert_eq!(
            missing(Some(&saas), OfferState::Preview, std::slice::from_ref(&proven)),
            Vec::<&str>::new()
        );
        assert_eq!(
            missing(
                Some(&saas),
                OfferState::Preview,
                &[proven.clone(), routed(Proven::Before, Proven::Never)]
            ),
            ["validated", "test_lead"]
        );
        assert_eq!(missing(Some(&saas), OfferState::Draft, &[proven]), ["preview"]);
        assert_eq!(missing(None, OfferState::Draft, &[]), ["listing", "preview"]);
    }

    #[test]
    fn a_destination_that_is_mandatory_is_a_missing_step_and_another_is_advice() {
        assert_eq!(missing(Some(&listing(OfferKind::Saas)), OfferState::Preview, &[]), ["destination"]);
        let optional = listing(OfferKind::VirtualMachine);
        assert_eq!(missing(Some(&optional), OfferState::Preview, &[]), Vec::<&str>::new());
        let steps = steps("contoso.crm", Some(&optional), OfferState::Preview, &[]);
        assert!(steps.iter().any(|it| it.code == "destination" && !it.is_done));
    }

    #[test]
    fn routes_that_all_have_a_filter_are_pointed_out_and_keep_nothing_back() {
        let saas = listing(OfferKind::Saas);
        let filtered = RoutedTo { takes_all: false, ..routed(Proven::Now, Proven::Now) };
        let all_taken = |routed: &[RoutedTo]| {
            let steps = steps("contoso.crm", Some(&saas), OfferState::Preview, routed);
            assert!(is_ready(&steps, NeededFor::Live) || routed.is_empty());
            steps.iter().find(|it| it.code == "all_taken").map(|it| it.is_done)
        };
        assert_eq!(all_taken(std::slice::from_ref(&filtered)), Some(false));
        assert_eq!(all_taken(&[filtered, routed(Proven::Now, Proven::Now)]), Some(true));
        assert_eq!(all_taken(&[]), None);
    }

    #[test]
    fn a_language_that_was_begun_must_be_finished_before_going_live_and_not_before_the_preview() {
        let mut it = listing(OfferKind::Saas);
        it.texts.put(Language::Hu, Texts::default());
        let steps = steps("contoso.crm", Some(&it), OfferState::Preview, &[]);
        assert!(is_ready(&steps, NeededFor::Preview) && !is_ready(&steps, NeededFor::Live));
        it.offered.clear();
        let steps = super::steps("contoso.crm", Some(&it), OfferState::Draft, &[]);
        assert!(!is_ready(&steps, NeededFor::Preview));
    }
}
