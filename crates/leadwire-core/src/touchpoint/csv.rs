//! Reading a touchpoint from a row of a table, whose columns have canonical or Partner Center names.

use super::collect::customer_name;
use crate::json::{self, Json};
use crate::partner_center::{self, split_description};
use crate::refusal::Refusal;
use crate::rfc3339;
use crate::text;
use crate::touchpoint::Touchpoint;

impl Touchpoint {
    /// Reads one row. A column is named as in the canonical form (`email`, `customer.email`, `occurred_at`,
    /// `consent.shared`, `campaign.utm_source`, `custom.anything`) or as Partner Center and the Azure table name it
    /// (`FirstName`, `ActionCode`, `CustomerInfo`, …), in any case of letters. Any other column is kept in `custom`
    /// under its header, and so is a second column for a field that has a value. Blank cells count as missing.
    ///
    /// # Errors
    /// As [`Touchpoint::parse`], with pointers into the canonical form; when a row has more filled cells than there
    /// are headers; and when a cell holds a NUL character, which PostgreSQL cannot store.
    pub fn from_csv(headers: &[&str], cells: &[&str]) -> Result<Self, Vec<Refusal>> {
        if headers.iter().chain(cells).any(|cell| cell.contains('\0')) {
            let (message, fix) = ("a cell holds a NUL character", "remove the NUL character");
            return Err(vec![Refusal::new("", "csv_nul", message, fix)]);
        }
        let mut row = Row::default();
        for (header, cell) in headers.iter().zip(cells) {
            if let Some(content) = text::non_blank(defused(cell)) {
                row.take(text::trim(header), content);
            }
        }
        if cells.iter().skip(headers.len()).any(|cell| text::non_blank(cell).is_some()) {
            let (message, fix) = ("more cells than headers", "check the quotes and separators of this row");
            return Err(vec![Refusal::new("", "too_many_cells", message, fix)]);
        }
        Self::parse(&row.into_json())
    }
}

/// What is left of a name in front of which stands whose field it is.
const OWNERS: &[&str] = &["customer", "contact", "lead"];

/// The customer's field that spreadsheets in English, German, Hungarian and Turkish call so, in lower case.
fn guessed_name(plain: &str) -> Option<&'static str> {
    let plain = OWNERS.iter().find_map(|it| plain.strip_prefix(it)).unwrap_or(plain);
    match plain {
        "firstname" | "givenname" | "forename" | "vorname" | "keresztnév" | "utónév" | "ad" => {
            Some("first_name")
        }
        "lastname" | "surname" | "familyname" | "nachname" | "vezetéknév" | "családnév" | "soyad"
        | "soyadı" => Some("last_name"),
        "email" | "emailaddress" | "mail" | "mailaddress" | "emailcím" | "eposta" => Some("email"),
        "phone" | "phonenumber" | "telephone" | "telephonenumber" | "tel" | "mobile" | "mobilephone"
        | "telefon" | "telefonnummer" | "telefonszám" => Some("phone"),
        "country" | "countryregion" | "country/region" | "countrycode" | "land" | "ország" | "ülke" => {
            Some("country")
        }
        "company" | "companyname" | "organization" | "organisation" | "account" | "accountname" | "firma"
        | "cég" | "cégnév" | "şirket" => Some("company"),
        "title" | "jobtitle" | "position" | "beosztás" | "unvan" => Some("title"),
        _ => None,
    }
}

/// The canonical form of a row in the making.
#[derive(Default)]
struct Row {
    fields: Vec<(String, Json)>,
    customer: Vec<(String, Json)>,
    campaign: Vec<(String, Json)>,
    consent: Vec<(String, Json)>,
    /// Kept as found; the parser of the canonical form gives the second of a name another one.
    rest: Vec<(String, Json)>,
}

impl Row {
    fn take(&mut self, header: &str, content: &str) {
        let (group, name) = match header.split_once('.') {
            Some((group, name)) => (partner_center::plain_name(group), name),
            None => (String::new(), header),
        };
        let plain = partner_center::plain_name(name);
        let taken = match (group.as_str(), plain.as_str()) {
            ("campaign", _) => put(&mut self.campaign, name, Json::text(content)),
            ("custom", _) => put(&mut self.rest, name, Json::text(content)),
            ("consent", "shared") => put(&mut self.consent, "shared", boolean(content)),
            ("consent", "textversion") => put(&mut self.consent, "text_version", Json::text(content)),
            ("consent", "at") => put(&mut self.consent, "at", Json::text(content)),
            ("" | "customer", plain) => match customer_name(plain) {
                Some(known) => put(&mut self.customer, known, Json::text(content)),
                None => {
                    group.is_empty() && (self.take_field(plain, content) || self.take_guess(plain, content))
                }
            },
            _ => false,
        };
        if !taken {
            self.rest.push((header.to_owned(), Json::text(content)));
        }
    }

    /// Takes a column that belongs to no group. Says whether it found a place.
    fn take_field(&mut self, plain: &str, content: &str) -> bool {
        let name = match plain {
            "source" => "source",
            "action" | "actioncode" => "action",
            "leadsource" => "lead_source",
            "offer" => "offer",
            "offertitle" | "offerdisplayname" => "offer_title",
            "notes" => "notes",
            "occurredat" => "occurred_at",
            // The format of these two is not documented, so another one is kept and not refused.
            "createdtime" | "timestamp" if rfc3339::parse(content).is_some() => "occurred_at",
            "preview" | "test" => return put(&mut self.fields, plain, boolean(content)),
            "description" => return self.take_description(content),
            "customerinfo" | "userdetails" => return self.take_packed(content),
            _ => return false,
        };
        put(&mut self.fields, name, Json::text(content))
    }

    /// Takes a column whose name is one of those that people and other programs give to a field of a customer.
    fn take_guess(&mut self, plain: &str, content: &str) -> bool {
        let guessed = guessed_name(&plain.to_lowercase());
        guessed.is_some_and(|it| put(&mut self.customer, it, Json::text(content)))
    }

    fn take_description(&mut self, content: &str) -> bool {
        let (notes, campaigns) = split_description(content);
        let campaigns_taken =
            campaigns.is_none_or(|campaigns| put(&mut self.campaign, "campaigns", Json::text(campaigns)));
        let notes_taken = notes.is_none_or(|notes| put(&mut self.fields, "notes", Json::text(notes)));
        campaigns_taken && notes_taken
    }

    /// Takes the customer as the Azure table packs it: JSON text in one cell.
    fn take_packed(&mut self, content: &str) -> bool {
        let Ok(Json::Object(entries)) = json::parse(content.as_bytes()) else { return false };
        for (name, value) in entries {
            let known = customer_name(&partner_center::plain_name(&name)).zip(partner_center::shown(&value));
            let taken =
                known.is_some_and(|(known, content)| put(&mut self.customer, known, Json::text(content)));
            if !taken {
                self.rest.push((format!("customer.{name}"), value));
            }
        }
        true
    }

    fn into_json(self) -> Json {
        let mut entries = self.fields;
        for (name, group) in
            [("customer", self.customer), ("campaign", self.campaign), ("consent", self.consent)]
        {
            if !group.is_empty() {
                entries.push((name.to_owned(), Json::Object(group)));
            }
        }
        entries.push(("custom".to_owned(), Json::Object(self.rest)));
        Json::Object(entries)
    }
}

/// Puts a value under a name that is still free. Says whether it was.
fn put(entries: &mut Vec<(String, Json)>, name: &str, value: Json) -> bool {
    let is_free = entries.iter().all(|(other, _)| other != name);
    if is_free {
        entries.push((name.to_owned(), value));
    }
    is_free
}

/// A cell without the apostrophe that keeps spreadsheets from taking it for a formula, as `leadwire export` and other
/// careful programs write it (OWASP, CSV injection).
fn defused(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        Some(_) | None => cell,
    }
}

/// What spreadsheets write for true and false. Another text stays one, and is refused by its type.
fn boolean(content: &str) -> Json {
    match content.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Json::Bool(true),
        "false" | "no" | "0" => Json::Bool(false),
        _ => Json::text(content),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::touchpoint::{Action, Source};

    #[track_caller]
    fn read(columns: &[(&str, &str)]) -> Touchpoint {
        let (headers, cells): (Vec<_>, Vec<_>) = columns.iter().copied().unzip();
        Touchpoint::from_csv(&headers, &cells).unwrap_or_else(|refusals| panic!("{columns:?}: {refusals:?}"))
    }

    #[test]
    fn canonical_and_partner_center_columns_say_the_same() {
        let canonical = read(&[
            ("source", "SPZA"),
            ("action", "PLT"),
            ("offer_title", "CRM"),
            ("customer.first_name", "Ada"),
            ("email", " ada@example.com "),
            ("occurred_at", "2026-11-20T10:00:00Z"),
            ("notes", "call me"),
        ]);
        let partner_center = read(&[
            ("\u{feff}LeadSource", "AppSource (SPZA)"),
            ("ActionCode", "PLT"),
            ("OfferDisplayName", "CRM"),
            ("CustomerInfo", r#"{"FirstName":"Ada","Email":"ada@example.com"}"#),
            ("Timestamp", "2026-11-20T10:00:00.000Z"),
            ("Description", "call me"),
        ]);
        assert_eq!(canonical, partner_center);
        assert_eq!((canonical.source, canonical.action), (Source::Spza, Action::PartnerLedTrial));
        assert_eq!(canonical.customer.email.as_deref(), Some("ada@example.com"));
        assert_eq!(canonical.custom, []);
    }

    #[test]
    fn columns_are_recognised_by_the_names_that_people_give_them() {
        let check = |columns: &[(&str, &str)]| {
            let customer = read(columns).customer;
            let all =
                [customer.first_name, customer.last_name, customer.email, customer.company, customer.country];
            assert_eq!(all.map(Option::unwrap), ["Ada", "Lovelace", "ada@x.example", "Analytical", "HU"]);
        };
        check(&[
            ("Given Name", "Ada"),
            ("Surname", "Lovelace"),
            ("E-Mail Address", "ada@x.example"),
            ("Company Name", "Analytical"),
            ("Customer Country/Region", "HU"),
        ]);
        check(&[
            ("Vorname", "Ada"),
            ("Nachname", "Lovelace"),
            ("E-Mail", "ada@x.example"),
            ("Firma", "Analytical"),
            ("Land", "HU"),
        ]);
        check(&[
            ("Keresztnév", "Ada"),
            ("VEZETÉKNÉV", "Lovelace"),
            ("E-mail cím", "ada@x.example"),
            ("Cégnév", "Analytical"),
            ("Ország", "HU"),
        ]);
        // Named twice, the second is kept beside the first.
        let twice = read(&[("Phone", "1"), ("Mobile", "2"), ("Lead Id", "7")]);
        assert_eq!(twice.customer.phone.as_deref(), Some("1"));
        assert_eq!(Json::Object(twice.custom).to_string(), r#"{"Mobile":"2","Lead Id":"7"}"#);
    }

    #[test]
    fn groups_and_flags_are_read() {
        let touchpoint = read(&[
            ("consent.shared", "Yes"),
            ("consent.text_version", "2026-01"),
            ("campaign.utm_source", "mail"),
            ("custom.Region", "EMEA"),
            ("test", "1"),
            ("preview", "FALSE"),
            ("Description", "Campaigns: "),
        ]);
        assert!(touchpoint.consent.is_some_and(|consent| consent.shared && consent.at.is_none()));
        assert_eq!(touchpoint.campaign, [("utm_source".to_owned(), Json::text("mail"))]);
        assert_eq!(touchpoint.custom, [("Region".to_owned(), Json::text("EMEA"))]);
        assert!(touchpoint.test && !touchpoint.preview);
    }

    #[test]
    fn other_columns_are_kept_and_blank_cells_are_not() {
        let touchpoint = read(&[
            ("Email", "a@x.y"),
            ("email", "b@x.y"),
            ("Score", "7"),
            ("Score", "8"),
            ("Empty", " "),
            ("customer.Shoe size", "42"),
            ("CreatedTime", "22.03.2018"),
            ("customer.custom", "c"),
        ]);
        assert_eq!(touchpoint.customer.email.as_deref(), Some("a@x.y"));
        assert_eq!(
            Json::Object(touchpoint.custom).to_string(),
            r#"{"email":"b@x.y","Score":"7","Score_2":"8","customer.Shoe size":"42","CreatedTime":"22.03.2018","customer.custom":"c"}"#
        );
    }

    #[test]
    fn mistakes_point_into_the_canonical_form() {
        let headers = ["occurred_at", "offer", "test", "consent.text_version"];
        let refusals =
            Touchpoint::from_csv(&headers, &["yesterday", "crm", "maybe", "1"]).expect_err("four mistakes");
        let found: Vec<_> = refusals.iter().map(|refusal| (refusal.code, refusal.pointer.as_str())).collect();
        let expected = [
            ("bad_time", "/occurred_at"),
            ("bad_offer", "/offer"),
            ("wrong_type", "/test"),
            ("missing", "/consent/shared"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_short_row_is_read_and_a_long_one_is_refused() {
        assert!(Touchpoint::from_csv(&["email", "phone"], &["a@x.y"]).is_ok());
        assert!(Touchpoint::from_csv(&["email"], &["a@x.y", " "]).is_ok());
        let refusals = Touchpoint::from_csv(&["email"], &["a@x.y", "b"]).expect_err("a cell too many");
        assert_eq!(refusals[0].code, "too_many_cells");
        let refusals = Touchpoint::from_csv(&["email"], &["a\0@x.y"]).expect_err("a NUL");
        assert_eq!(refusals[0].code, "csv_nul");
    }

    #[test]
    fn a_packed_customer_may_hold_numbers_and_unknown_fields() {
        let touchpoint = read(&[("CustomerInfo", r#"{"Phone":36201234567,"Age":7,"Email":["x"]}"#)]);
        assert_eq!(touchpoint.customer.phone.as_deref(), Some("36201234567"));
        assert_eq!(
            Json::Object(touchpoint.custom).to_string(),
            r#"{"customer.Age":7,"customer.Email":["x"]}"#
        );
    }

    #[test]
    fn the_apostrophe_before_what_looks_like_a_formula_is_taken_off() {
        let row = Touchpoint::from_csv(&["phone", "company", "title"], &["'+36 20", "'quoted'", "'=A1"]);
        let customer = row.expect("a row").customer;
        assert_eq!(customer.phone.as_deref(), Some("+36 20"));
        assert_eq!(customer.company.as_deref(), Some("'quoted'"));
        assert_eq!(customer.title.as_deref(), Some("=A1"));
    }
}
