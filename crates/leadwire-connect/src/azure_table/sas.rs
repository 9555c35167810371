//! Reads a shared access signature: what it permits, for which table and until when. It is used as it is, never made.
//!
//! Source: learn.microsoft.com, "Create an account SAS", "Create a service SAS"; contract 2.2.

use super::account::{Wrong, wrong};
use leadwire_core::rfc3339;
use leadwire_core::secret::Secret;
use leadwire_core::time::Timestamp;
use url::form_urlencoded;

/// A signature as it was given, and what it says of itself. Has no `Debug`: it is a credential.
pub(super) struct Sas {
    /// The query, without a question mark.
    query: Secret<String>,
    /// Letters of what it permits; none when a stored access policy says so at the service.
    permissions: Option<String>,
    /// May make tables: an account SAS whose resource types hold the container.
    may_create: bool,
    ends_at: Option<Timestamp>,
    starts_at: Option<Timestamp>,
}

impl Sas {
    /// Reads the query of a SAS, with or without the question mark, and holds it to what is needed for `table`.
    pub(super) fn read(text: &str, table: &str) -> Result<Self, Wrong> {
        let query = text.trim().trim_start_matches('?');
        let get = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|it| it.0 == name).map(|it| it.1.into_owned()).filter(|it| !it.is_empty())
        };
        let refused = |code, message: &str, fix| Err(wrong(code, message, fix));
        if get("sig").is_none() || get("sv").is_none() {
            let message = "the shared access signature is not whole: `sig` or `sv` is missing";
            return refused("bad_sas", message, "copy all of it, from `sv=` to the end of `sig=…`");
        }
        if get("sr").is_some() || get("ss").is_some_and(|it| !it.contains('t')) {
            let message = "the shared access signature is for another service than tables";
            let fix = "make one for Table (`ss` holds `t`), or one of a table (`tn`)";
            return refused("sas_other_service", message, fix);
        }
        let of_table = get("tn");
        if of_table.as_ref().is_some_and(|it| !it.eq_ignore_ascii_case(table)) {
            let message = "the shared access signature is for another table than `table` names";
            return refused(
                "sas_other_table",
                message,
                "enter the signature's table, or make one for this table",
            );
        }
        let types = get("srt");
        if types.as_ref().is_some_and(|it| !it.contains('o')) {
            let message = "the shared access signature does not reach rows: `srt` has no `o`";
            return refused("sas_too_little", message, "allow the resource type Object when you make it");
        }
        let permissions = get("sp");
        if permissions.as_ref().is_some_and(|it| !it.contains('a')) {
            let message = "the shared access signature may not add rows: `sp` has no `a`";
            return refused("sas_too_little", message, "allow Add when you make it; Read and Update too");
        }
        if !query.bytes().all(|it| it.is_ascii_graphic()) {
            let message = "the shared access signature holds a character that no URL may hold";
            return refused("bad_sas", message, "copy it again, as one line");
        }
        let may_create = of_table.is_none()
            && types.is_some_and(|it| it.contains('c'))
            && permissions.as_ref().is_some_and(|it| it.contains(['c', 'w']));
        Ok(Self {
            query: Secret::new(query.to_owned()),
            permissions,
            may_create,
            ends_at: get("se").and_then(|it| moment(&it)),
            starts_at: get("st").and_then(|it| moment(&it)),
        })
    }

    /// The query to append. A credential.
    pub(super) fn query(&self) -> &str {
        self.query.expose()
    }

    /// The query with its signature masked, for people.
    pub(super) fn masked(&self) -> String {
        let parts = self.query.expose().split('&');
        let masked = parts.map(|it| if it.starts_with("sig=") { "sig=***" } else { it });
        masked.collect::<Vec<_>>().join("&")
    }

    /// Whether a permission is given as far as it says: `r` read, `a` add, `u` update, `d` delete.
    pub(super) fn may(&self, permission: char) -> bool {
        self.permissions.as_ref().is_none_or(|it| it.contains(permission))
    }

    /// What it permits, as letters; none when a stored access policy says so.
    pub(super) fn permissions(&self) -> Option<&str> {
        self.permissions.as_deref()
    }

    pub(super) fn may_create(&self) -> bool {
        self.may_create
    }

    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    pub(super) fn starts_at(&self) -> Option<Timestamp> {
        self.starts_at
    }
}

/// The three forms a SAS writes moments in: a day, to the minute, or to the second.
fn moment(text: &str) -> Option<Timestamp> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        17 if text.ends_with('Z') => format!("{}:00Z", text.strip_suffix('Z')?),
        _ => text.to_owned(),
    };
    rfc3339::parse(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Sas, &'static str> {
        Sas::read(text, "Leads").map_err(|it| it.code)
    }

    #[test]
    fn what_a_signature_permits_is_read_from_it() {
        let of_table =
            read("?sv=2019-02-02&tn=leads&sp=au&se=2027-01-01T00%3A00%3A00Z&sig=a%2Fb%3D").ok().unwrap();
        assert!(of_table.may('a') && of_table.may('u') && !of_table.may('r'));
        assert!(!of_table.may_create());
        assert_eq!(of_table.ends_at(), rfc3339::parse("2027-01-01T00:00:00Z"));
        assert_eq!(of_table.masked(), "sv=2019-02-02&tn=leads&sp=au&se=2027-01-01T00%3A00%3A00Z&sig=***");
        let account = "sv=2022-11-02&ss=bt&srt=sco&sp=rwdlacu&st=2026-01-01&se=2027-01-01T10:30Z&sig=x";
        let account = read(account).ok().unwrap();
        assert!(account.may_create());
        assert_eq!(account.ends_at(), rfc3339::parse("2027-01-01T10:30:00Z"));
        assert_eq!(account.starts_at(), rfc3339::parse("2026-01-01T00:00:00Z"));
        let by_policy = read("sv=2019-02-02&tn=Leads&si=writers&sig=x").ok().unwrap();
        assert!(by_policy.may('a') && by_policy.may('r') && by_policy.ends_at().is_none());
    }

    #[test]
    fn a_signature_that_cannot_do_the_work_is_refused_at_once() {
        for (text, code) in [
            ("sv=2019-02-02&tn=Leads&sp=a", "bad_sas"),
            ("tn=Leads&sp=a&sig=x", "bad_sas"),
            ("sv=2019-02-02&tn=Leads&sp=a&sig=x y", "bad_sas"),
            ("sv=2019-02-02&sr=c&sp=rl&sig=x", "sas_other_service"),
            ("sv=2019-02-02&ss=bq&srt=sco&sp=rwa&sig=x", "sas_other_service"),
            ("sv=2019-02-02&tn=Other&sp=a&sig=x", "sas_other_table"),
            ("sv=2019-02-02&ss=t&srt=sc&sp=rwa&sig=x", "sas_too_little"),
            ("sv=2019-02-02&tn=Leads&sp=r&sig=x", "sas_too_little"),
        ] {
            assert_eq!(read(text).err(), Some(code), "{text}");
        }
    }
}
