//! How the portal writes numbers and times for people.

use super::shell::Shell;
use leadwire_core::language::Language;
use leadwire_core::rfc3339;

impl Shell {
    /// A number in groups of three.
    pub(super) fn number(&self, number: &u64) -> String {
        let gap = match self.look.language {
            Language::En => ',',
            Language::Hu => '\u{a0}',
            Language::Tr => '.',
        };
        let digits = number.to_string();
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(gap);
            }
            out.push(digit);
        }
        out
    }

    /// Seconds as people say them.
    pub(super) fn duration(&self, seconds: &Option<f64>) -> String {
        let Some(seconds) = seconds else { return "–".to_owned() };
        let (value, unit) = match *seconds {
            it if it < 60.0 => (it, "unit-seconds"),
            it if it < 3600.0 => (it / 60.0, "unit-minutes"),
            it if it < 48.0 * 3600.0 => (it / 3600.0, "unit-hours"),
            it => (it / 86_400.0, "unit-days"),
        };
        let text = if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
        let text = if self.look.language == Language::En { text } else { text.replace('.', ",") };
        self.say_with(unit, text)
    }

    /// The length of a window as people say it.
    pub(super) fn window(&self, seconds: &u64) -> String {
        let seconds = u32::try_from(*seconds).unwrap_or(u32::MAX);
        self.duration(&Some(f64::from(seconds)))
    }

    /// A moment for people, in their zone; empty when it is none.
    pub(super) fn when(&self, moment: &str) -> String {
        let Some(at) = rfc3339::parse(moment).and_then(|it| self.look.zone().at(it)) else {
            return String::new();
        };
        let month = self.say(&format!("month-{:02}", at.month()));
        let (year, day, time) = (at.year(), at.day(), at.strftime("%H:%M"));
        match self.look.language {
            Language::En => format!("{day} {month} {year}, {time}"),
            Language::Hu => format!("{year}. {month} {day}. {time}"),
            Language::Tr => format!("{day} {month} {year} {time}"),
        }
    }

    /// The same of a moment that may be missing.
    pub(super) fn when_any(&self, moment: &Option<String>) -> String {
        moment.as_deref().map_or_else(|| "–".to_owned(), |it| self.when(it))
    }
}
