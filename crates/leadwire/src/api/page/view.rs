//! What each page shows, as the templates want it.

use super::visit::Visit;
use super::words::{self, Country};
use super::{assets, mark::Shown};
use askama::Template;
use fluent_bundle::FluentValue;
use leadwire_core::country;
use leadwire_core::language::Language;
use leadwire_core::listing::form::{Field, Filled, Mistake};
use leadwire_core::listing::{Button, Offered, Texts, paragraphs};

/// What stands around every page.
pub(super) struct Shell {
    pub(super) language: Language,
    pub(super) title: String,
    pub(super) summary: Option<String>,
    pub(super) publisher: String,
    pub(super) base: String,
    pub(super) languages: Vec<Other>,
    pub(super) default_url: Option<String>,
    pub(super) is_indexed: bool,
    pub(super) is_preview: bool,
    pub(super) is_frame: bool,
    pub(super) privacy_url: Option<String>,
}

/// The same page in a language.
pub(super) struct Other {
    pub(super) language: Language,
    pub(super) url: String,
    pub(super) public_url: Option<String>,
}

impl Shell {
    /// Around a page that belongs to no offer.
    pub(super) fn bare(language: Language, title: String, base: String) -> Self {
        Self {
            language,
            title,
            summary: None,
            publisher: String::new(),
            base,
            languages: Vec::new(),
            default_url: None,
            is_indexed: false,
            is_preview: false,
            is_frame: false,
            privacy_url: None,
        }
    }

    /// Around one of an offer's pages; `path` is what stands behind the offer in its address.
    fn of(visit: &Visit, title: String, path: &str) -> Self {
        let is_public = path.is_empty() && visit.preview.is_none();
        let languages = visit.listing.languages().into_iter().map(|it| Other {
            language: it,
            url: visit.link(path, Some(it)),
            public_url: is_public.then(|| visit.public_page(Some(it))),
        });
        Self {
            title,
            summary: is_public.then(|| visit.texts().summary),
            publisher: visit.publisher.clone(),
            languages: languages.collect(),
            default_url: is_public.then(|| visit.public_page(None)),
            is_indexed: is_public,
            is_preview: visit.preview.is_some(),
            is_frame: visit.is_frame,
            privacy_url: visit.listing.privacy_url.clone(),
            ..Self::bare(visit.language, String::new(), visit.base.clone())
        }
    }

    fn say(&self, key: &str) -> String {
        words::say(self.language, key, &[])
    }

    fn say_with(&self, key: &str, name: &str, value: &str) -> String {
        words::say(self.language, key, &[(name, FluentValue::from(value.to_owned()))])
    }

    fn say_count(&self, key: &str, count: usize) -> String {
        words::say(self.language, key, &[("count", FluentValue::from(count))])
    }

    fn style(&self) -> &'static str {
        &assets::STYLE.path
    }

    fn frame_script(&self) -> &'static str {
        &assets::FRAME_SCRIPT.path
    }
}

/// The listing page.
#[derive(Template)]
#[template(path = "page/listing.html")]
pub(super) struct ListingPage {
    shell: Shell,
    texts: Texts,
    description: Vec<Vec<String>>,
    buttons: Vec<ButtonView>,
    pictures: Vec<PictureView>,
}

struct ButtonView {
    url: String,
    name: &'static str,
    hint: &'static str,
}

struct PictureView {
    url: String,
    alt: String,
}

impl ListingPage {
    pub(super) fn new(visit: &Visit) -> Self {
        let texts = visit.texts();
        let language = Some(visit.language);
        let buttons = visit.listing.offered.iter().map(|it| ButtonView {
            url: visit.link(&format!("/{}", it.button.as_str()), language),
            name: it.button.as_str(),
            hint: hint(it.button),
        });
        let pictures = visit.listing.pictures.iter().map(|it| PictureView {
            url: it.url.clone(),
            alt: it.alt.get_or_first(visit.language).cloned().unwrap_or_default(),
        });
        Self {
            shell: Shell::of(visit, texts.title.clone(), ""),
            description: paragraphs(&texts.description),
            buttons: buttons.collect(),
            pictures: pictures.collect(),
            texts,
        }
    }
}

fn hint(button: Button) -> &'static str {
    match button {
        Button::TestDrive => "test_drive-hint",
        Button::GetItNow => "get_it_now-hint",
        Button::ContactMe => "contact_me-hint",
        Button::Purchase => "purchase-hint",
    }
}

/// A form, as it is shown first or again.
pub(super) struct FormState<'a> {
    pub(super) filled: &'a Filled,
    /// What is wrong with it.
    pub(super) mistakes: &'a [(Field, Mistake)],
    /// Why it is shown again, beside what is wrong with it.
    pub(super) notice: Option<String>,
    /// Whether the box of consent is ticked.
    pub(super) is_agreed: bool,
    /// Its mark.
    pub(super) token: String,
}

/// The page of a form.
#[derive(Template)]
#[template(path = "page/form.html")]
pub(super) struct FormPage {
    shell: Shell,
    heading: String,
    offer_title: String,
    back: String,
    send_to: String,
    send: String,
    notice: Option<String>,
    mistakes: Vec<MistakeView>,
    inputs: Vec<Input>,
    countries: &'static [Country],
    consent: Vec<Vec<String>>,
    consent_error: Option<String>,
    is_agreed: bool,
    token: String,
}

struct MistakeView {
    field: &'static str,
    message: String,
}

struct Input {
    name: &'static str,
    label: String,
    kind: &'static str,
    complete: &'static str,
    value: String,
    chars_max: usize,
    hint: Option<String>,
    error: Option<String>,
    is_required: bool,
    is_wide: bool,
}

impl Input {
    /// The attributes that tell assistive technology what describes the field.
    fn described(&self) -> String {
        let ids = [self.hint.as_ref().map(|_| "hint"), self.error.as_ref().map(|_| "error")];
        let ids: Vec<String> = ids.into_iter().flatten().map(|it| format!("{}-{it}", self.name)).collect();
        if ids.is_empty() {
            return String::new();
        }
        let invalid = if self.error.is_some() { " aria-invalid=\"true\"" } else { "" };
        format!(" aria-describedby=\"{}\"{invalid}", ids.join(" "))
    }
}

impl FormPage {
    pub(super) fn new(visit: &Visit, offered: &Offered, state: FormState<'_>) -> Self {
        let texts = visit.texts();
        let action = offered.button.as_str();
        let path = format!("/{action}");
        let shell = Shell::of(visit, String::new(), &path);
        let heading = shell.say(action);
        let title = format!("{heading} · {}", texts.title);
        let is_wrong = state.notice.is_some() || !state.mistakes.is_empty();
        let title = if is_wrong { shell.say_with("error-title", "title", &title) } else { title };
        let told = |field: Field| {
            state.mistakes.iter().find(|it| it.0 == field).map(|it| message(visit.language, *it))
        };
        let names = if visit.language.puts_family_name_first() {
            [Field::LastName, Field::FirstName]
        } else {
            [Field::FirstName, Field::LastName]
        };
        let others = [Field::Email, Field::Phone, Field::Company, Field::Title, Field::Country, Field::Notes];
        let order: Vec<Field> = names.into_iter().chain(others).collect();
        let in_order = order.iter().copied().chain([Field::Consent]);
        let mistakes = in_order.filter_map(|it| Some(MistakeView { field: it.as_str(), message: told(it)? }));
        Self {
            mistakes: mistakes.collect(),
            inputs: order.iter().map(|it| input(*it, &shell, state.filled, told(*it))).collect(),
            countries: words::countries(visit.language),
            consent: paragraphs(&texts.consent),
            consent_error: told(Field::Consent),
            back: visit.link("", Some(visit.language)),
            send_to: visit.link(&path, Some(visit.language)),
            send: shell.say(send(offered.button)),
            notice: state.notice,
            is_agreed: state.is_agreed,
            token: state.token,
            offer_title: texts.title,
            heading,
            shell: Shell { title, ..shell },
        }
    }
}

fn send(button: Button) -> &'static str {
    match button {
        Button::TestDrive => "send-test_drive",
        Button::GetItNow => "send-get_it_now",
        Button::ContactMe => "send-contact_me",
        Button::Purchase => "send-purchase",
    }
}

fn input(field: Field, shell: &Shell, filled: &Filled, error: Option<String>) -> Input {
    let (kind, complete) = match field {
        Field::FirstName => ("text", "given-name"),
        Field::LastName => ("text", "family-name"),
        Field::Email => ("email", "email"),
        Field::Phone => ("tel", "tel"),
        Field::Company => ("text", "organization"),
        Field::Title => ("text", "organization-title"),
        Field::Country => ("text", "country"),
        Field::Notes => ("text", "off"),
        Field::Consent => ("checkbox", "off"),
    };
    let value = filled.get(field);
    // A form on another page may name the country in words.
    let value = if field == Field::Country { country::iso2(value).unwrap_or_default() } else { value };
    Input {
        name: field.as_str(),
        label: shell.say(field.as_str()),
        kind,
        complete,
        value: value.to_owned(),
        chars_max: field.chars_max(),
        hint: (field == Field::Notes).then(|| shell.say("notes-hint")),
        error,
        is_required: field.is_required(),
        is_wide: matches!(field, Field::Country | Field::Notes),
    }
}

/// What is wrong with a field, in a language.
fn message(language: Language, (field, mistake): (Field, Mistake)) -> String {
    let name = || FluentValue::from(words::say(language, field.as_str(), &[]));
    match mistake {
        Mistake::Missing if field == Field::Country => words::say(language, "missing-country", &[]),
        Mistake::Missing if field == Field::Consent => words::say(language, "missing-consent", &[]),
        Mistake::Missing => words::say(language, "missing", &[("field", name())]),
        Mistake::TooLong => {
            let max = FluentValue::from(field.chars_max());
            words::say(language, "too-long", &[("field", name()), ("max", max)])
        }
        Mistake::NotAnEmail => words::say(language, "not-an-email", &[]),
        Mistake::NotAPhone => words::say(language, "not-a-phone", &[]),
        Mistake::NotACountry => words::say(language, "not-a-country", &[]),
    }
}

/// A page that says something: thanks, or what went wrong.
#[derive(Template)]
#[template(path = "page/told.html")]
pub(super) struct ToldPage {
    shell: Shell,
    lines: Vec<String>,
    is_good: bool,
    next: Option<(String, String)>,
    back: Option<(String, String)>,
}

impl ToldPage {
    /// Thanks for what was sent.
    pub(super) fn thanks(visit: &Visit, offered: &Offered) -> Self {
        let action = offered.button.as_str();
        let title = words::say(visit.language, "thanks-title", &[]);
        let shell = Shell::of(visit, title, &format!("/{action}/thanks"));
        let mut lines = vec![shell.say_with(&format!("thanks-{action}"), "publisher", &visit.publisher)];
        if visit.preview.is_some() {
            lines.push(shell.say("thanks-preview"));
        }
        let back = shell.say_with("back", "title", &visit.texts().title);
        Self {
            lines,
            is_good: true,
            next: offered.next_url.clone().map(|url| (url, shell.say("thanks-next"))),
            back: (!visit.is_frame).then(|| (visit.link("", Some(visit.language)), back)),
            shell,
        }
    }

    /// That a customer's wish was taken.
    pub(super) fn stopped(language: Language, publisher: &str, base: String) -> Self {
        let shell = Shell::bare(language, words::say(language, "stopped-title", &[]), base);
        let lines = vec![shell.say_with("stopped-text", "publisher", publisher)];
        Self { lines, is_good: true, next: None, back: None, shell }
    }

    /// What went wrong, where no offer's page can be shown.
    pub(super) fn wrong(language: Language, (title, line): (&str, &str), base: String) -> Self {
        let shell = Shell::bare(language, words::say(language, title, &[]), base);
        Self { lines: vec![shell.say(line)], is_good: false, next: None, back: None, shell }
    }
}

/// The question whether a customer wants no more messages.
#[derive(Template)]
#[template(path = "page/stop.html")]
pub(super) struct StopPage {
    shell: Shell,
    line: String,
    send: String,
    send_to: String,
}

impl StopPage {
    pub(super) fn new(language: Language, publisher: String, send_to: String, base: String) -> Self {
        let shell = Shell::bare(language, words::say(language, "stop-title", &[]), base);
        let line = shell.say_with("stop-text", "publisher", &publisher);
        Self { line, send: shell.say("stop-send"), send_to, shell: Shell { publisher, ..shell } }
    }
}

/// A form that nobody filled in yet, as shown now.
pub(super) fn fresh(filled: &Filled, token: String) -> FormState<'_> {
    FormState { filled, mistakes: &[], notice: None, is_agreed: false, token }
}

/// Whether what is wrong with a form is wrong with what was agreed to.
pub(super) fn keeps_consent(shown: Option<&Shown>, texts: &Texts, filled: &Filled) -> bool {
    !filled.get(Field::Consent).is_empty() && shown.is_some_and(|it| it.has_shown(texts))
}
