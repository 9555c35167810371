//! What letters to users say, in each language.

use leadwire_core::language::Language;
use leadwire_core::rfc3339;
use leadwire_core::time::Timestamp;

/// Why somebody is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// They were added and have no password yet.
    Invitation,
    /// They, or whoever knows their address, asked for a new password.
    Password,
}

impl Why {
    /// Stable name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Password => "password",
        }
    }
}

/// What a letter is about.
pub(super) struct About<'a> {
    pub(super) why: Why,
    /// The name of whoever it is to.
    pub(super) name: &'a str,
    /// The publisher whose leads they see; empty for the operator's people.
    pub(super) publisher: &'a str,
    pub(super) link: &'a str,
    pub(super) link_ends_at: Timestamp,
}

/// The subject, and paragraphs of which the link is one.
pub(super) fn of(language: Language, about: &About<'_>) -> (String, String) {
    let ends = rfc3339::format(about.link_ends_at);
    // To the minute, and in UTC: nobody knows where it is read.
    let ends = format!("{} {} UTC", ends.get(..10).unwrap_or(&ends), ends.get(11..16).unwrap_or_default());
    let About { why, name, publisher, link, .. } = about;
    let of_publisher = !publisher.is_empty();
    match (language, why) {
        (Language::En, Why::Invitation) => {
            let to = if of_publisher { format!("to the leads of {publisher} ") } else { String::new() };
            let subject = "You are invited to Leadwire".to_owned();
            let text = format!(
                "Hello {name},\n\nyou are invited {to}in Leadwire. Choose your password here:\n\n{link}\n\n\
                 The link works once, until {ends}. If you expected no invitation, leave this message be."
            );
            (subject, text)
        }
        (Language::En, Why::Password) => (
            "A new password for Leadwire".to_owned(),
            format!(
                "Hello {name},\n\nsomebody, probably you, asked for a new password in Leadwire. Choose it here:\n\n{link}\n\n\
                 The link works once, until {ends}. Your password stays as it is until then. If it was not you, leave this \
                 message be."
            ),
        ),
        (Language::Hu, Why::Invitation) => {
            let to = if of_publisher { format!("{publisher} érdeklődőihez ") } else { String::new() };
            let text = format!(
                "Üdvözöljük, {name}!\n\nMeghívást kapott {to}a Leadwire rendszerébe. Itt választhat jelszót:\n\n{link}\n\n\
                 A hivatkozás egyszer használható, eddig: {ends}. Ha nem várt meghívást, ezzel a levéllel nincs teendője."
            );
            ("Meghívás a Leadwire rendszerébe".to_owned(), text)
        }
        (Language::Hu, Why::Password) => (
            "Új jelszó a Leadwire rendszerében".to_owned(),
            format!(
                "Üdvözöljük, {name}!\n\nValaki, valószínűleg Ön, új jelszót kért a Leadwire rendszerében. Itt választhatja \
                 meg:\n\n{link}\n\nA hivatkozás egyszer használható, eddig: {ends}. A jelszava addig a régi marad. Ha nem Ön \
                 kérte, ezzel a levéllel nincs teendője."
            ),
        ),
        (Language::Tr, Why::Invitation) => {
            let to = if of_publisher {
                format!("{publisher} adaylarını görmek üzere ")
            } else {
                String::new()
            };
            let text = format!(
                "Merhaba {name},\n\n{to}Leadwire’a davet edildiniz. Parolanızı buradan belirleyin:\n\n{link}\n\n\
                 Bağlantı bir kez çalışır; son kullanım: {ends}. Davet beklemiyorsanız bu iletiyi yok sayın."
            );
            ("Leadwire’a davet edildiniz".to_owned(), text)
        }
        (Language::Tr, Why::Password) => (
            "Leadwire için yeni parola".to_owned(),
            format!(
                "Merhaba {name},\n\nBirisi, büyük olasılıkla siz, Leadwire için yeni bir parola istedi. Buradan \
                 belirleyin:\n\n{link}\n\nBağlantı bir kez çalışır; son kullanım: {ends}. O zamana dek parolanız aynı kalır. \
                 İsteyen siz değilseniz bu iletiyi yok sayın."
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_has_its_link_as_a_paragraph_and_says_until_when() {
        for language in Language::ALL {
            for (why, publisher) in
                [(Why::Invitation, "Contoso"), (Why::Invitation, ""), (Why::Password, "Contoso")]
            {
                let link = "https://leads.example.com/first/lw_usr_x";
                let link_ends_at = Timestamp::from_millis(1_795_000_000_000);
                let about = About { why, name: "Ada", publisher, link, link_ends_at };
                let (subject, text) = of(language, &about);
                assert!(subject.contains("Leadwire") && !subject.contains('\n'), "{subject}");
                assert!(text.split("\n\n").any(|it| it == link), "{text}");
                assert!(
                    text.contains("2026-11-18 ") && text.contains(" UTC") && text.contains("Ada"),
                    "{text}"
                );
                assert_eq!(
                    text.contains("Contoso"),
                    why == Why::Invitation && !publisher.is_empty(),
                    "{text}"
                );
                assert!(!text.contains("  "), "{text}");
            }
        }
    }
}
